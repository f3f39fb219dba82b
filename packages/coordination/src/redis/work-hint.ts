import { isId } from '@runnel/protocol';
import type { Cluster, Redis } from 'ioredis';
import { checkIds } from '../messages.ts';
import type { RunLog, Subscription } from '../run-log/run-log.ts';
import type { RunRef } from '../run-ref.ts';
import type { RedisCaller } from './client/caller.ts';
import type { RedisChannels } from './client/channels.ts';
import { shardCount, shardOf, workChannel } from './keys.ts';

/**
 * What AI pods tell each other: a run is free, a cancel is wanted; does anybody know how this run ended, and somebody does and writes
 * that again, or it still ran; something was deleted. Only hints; sweeps find the same.
 */
export type WorkHint = ({ kind: 'free' | 'cancel' | 'ended' | 'decided' } & RunRef) | AskEnd | SayRunning | SayDeleted;

/** Whether a claimed run had ended. With `copy`, what the store has of its text, the store changed, and it may also still run. */
export type AskEnd = { kind: 'ended?'; epoch?: number; copy?: { bytes: number; sha256: string } } & RunRef;

/** The answer of an owner that lived and has let go of the run: its text from byte `at` on. Whoever asked under this epoch goes on. */
export type SayRunning = { kind: 'running'; epoch: number; at: number; text: string } & RunRef;

/** A conversation, or one message of it, was deleted: nobody keeps its words for a store that loses them. */
export type SayDeleted = { kind: 'deleted'; conversationId: string; messageId?: string };

/** A published hint; null for what is none. Pure. */
const parseHint = (text: string): WorkHint | null => {
  let hint: unknown;
  try {
    hint = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof hint !== 'object' || hint === null) return null;
  const { kind, conversationId, runId, messageId } = hint as Record<string, unknown>;
  if (kind === 'deleted') return isId(conversationId) && (messageId === undefined || isId(messageId)) ? (hint as WorkHint) : null;
  return typeof kind === 'string' && isId(conversationId) && isId(runId) ? (hint as WorkHint) : null;
};

/** Where the pods hear of work: a channel a shard. A hint that cannot be parsed is ignored, as sweeps find the run anyway. */
export const createWorkChannels = (
  client: Redis | Cluster,
  caller: RedisCaller,
  channels: RedisChannels,
): Pick<RunLog, 'onWork' | 'publishWork'> => ({
  async onWork(listener): Promise<Subscription> {
    await caller.ready();
    const hear = (bytes: Buffer): void => {
      const hint = parseHint(bytes.toString());
      if (hint !== null) listener(hint);
    };
    const listening = { message: hear, resubscribed: () => {} };
    const shards = Array.from({ length: shardCount() }, (_, shard) => channels.subscribe(workChannel(shard), listening));
    const settled = await Promise.allSettled(shards);
    const close = async (): Promise<void> => {
      for (const result of settled) if (result.status === 'fulfilled') await result.value.close();
    };
    const failed = settled.find((result) => result.status === 'rejected');
    if (!failed) return { close };
    await close();
    throw failed.reason;
  },
  async publishWork(hint) {
    checkIds(hint.conversationId, 'runId' in hint ? hint.runId : hint.conversationId);
    await caller.call('publish-work', () => client.spublish(workChannel(shardOf(hint.conversationId)), JSON.stringify(hint)));
  },
});
