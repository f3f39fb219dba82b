import type { WorkHint } from './redis/work-hint.ts';

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
