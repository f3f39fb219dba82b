import type { Part } from '@runnel/protocol';
import type { RunRef } from './run-ref.ts';

/** What arrives on a conversation's channel. */
export interface ChannelListener {
  /** An event of the log or an ephemeral hint (typing, presence, reset): the published bytes. */
  message(bytes: Buffer): void;
  /** The channel is known to be down: until `resubscribed`, only reading the log tells what happens. */
  interrupted?(): void;
  /** The channel was interrupted and is whole again: what came meanwhile must be read from the log. */
  resubscribed(): void;
}
export interface Subscription {
  close(): Promise<void>;
}

/**
 * What AI pods tell each other: a run is free, a cancel is wanted; does anybody know how this run ended, and somebody does and writes
 * that again, or it still ran; something was deleted. Only hints; sweeps find the same.
 */
export type WorkHint = ({ kind: 'free' | 'cancel' | 'ended' | 'decided' } & RunRef) | AskEnd | SayRunning | SayDeleted;

/** Whether a claimed run had ended. With `copy`, what the store has of its text, the store changed, and it may also still run. */
export type AskEnd = { kind: 'ended?'; epoch?: number; copy?: { bytes: number; sha256: string } } & RunRef;

/**
 * The answer of an owner that lived and has let go of the run: its text from byte `at` on, and all parts that stood. Whoever asked under this
 * epoch goes on. Without `parts`: said by an older pod, which may have made calls that the store has forgotten.
 */
export type SayRunning = { kind: 'running'; epoch: number; at: number; text: string; parts?: readonly Part[] } & RunRef;

/** A conversation, or one message of it, was deleted: nobody keeps its words for a store that loses them. */
export type SayDeleted = { kind: 'deleted'; conversationId: string; messageId?: string };

/** What is published and not kept: events as they come, hints among readers, and work for AI pods. */
export interface Channels {
  /** Resolves once the subscription is acknowledged (W-7: subscribe, then read). */
  follow(conversationId: string, listener: ChannelListener): Promise<Subscription>;
  /** Sends a hint that is not of the log (typing, presence) to every follower. Best effort. */
  publishHint(conversationId: string, json: string): Promise<void>;
  onWork(listener: (hint: WorkHint) => void): Promise<Subscription>;
  /** Tells every AI pod, this one included. Best effort. */
  publishWork(hint: WorkHint): Promise<void>;
}
