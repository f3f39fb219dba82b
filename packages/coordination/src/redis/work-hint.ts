import { isId } from '@runnel/protocol';
import type { Cluster, Redis } from 'ioredis';
import type { Channels, Subscription, WorkHint } from '../channels.ts';
import { checkIds } from '../messages.ts';
import type { RedisCaller } from './client/caller.ts';
import type { RedisChannels } from './client/channels.ts';
import { shardCount, shardOf, workChannel } from './keys.ts';

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
): Pick<Channels, 'onWork' | 'publishWork'> => ({
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
