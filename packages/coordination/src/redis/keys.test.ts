import keySlot from 'cluster-key-slot';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  channelOf,
  keyName,
  ofShard,
  outboxKey,
  DEFAULT_SHARDS,
  shardOf,
  shardOfChannel,
  slotOfShard,
  workChannel,
  type KeyName,
} from './keys.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const OF_CONVERSATION: KeyName[] = [
  'meta',
  'history',
  'order',
  'ids',
  'log',
  'channel',
  'owner',
  'run',
  'runPrefix',
  'text',
  'cancel',
  'cancelPrefix',
  'leases',
  'queued',
  'work',
  'events',
  'relay',
];

test('every key and channel of a conversation is in one slot, whatever its ids', () => {
  fc.assert(
    fc.property(id, id, (conversationId, runId) => {
      const shard = shardOf(conversationId);
      const slots = new Set(OF_CONVERSATION.map((name) => keySlot(keyName(name, { shard, conversationId, runId }))));
      expect([...slots]).toEqual([slotOfShard(shard)]);
      expect(shardOfChannel(channelOf(conversationId))).toBe(shard);
    }),
  );
});

test('names that operators look for', () => {
  const parts = { shard: 17, conversationId: 'c', runId: 'r' };
  expect(OF_CONVERSATION.map((name) => keyName(name, parts))).toEqual([
    'chat:meta:{17}:c',
    'chat:history:{17}:c',
    'chat:order:{17}:c',
    'chat:ids:{17}:c',
    'chat:log:{17}:c',
    'chat:stream:{17}:c',
    'session:owner:{17}:c',
    'streaming:active:{17}:c:r',
    'streaming:active:{17}:c:',
    'streaming:active:{17}:c:r:text',
    'streaming:cancel:{17}:c:r',
    'streaming:cancel:{17}:c:',
    'runs:leases:{17}',
    'runs:queued:{17}',
    'runs:work:{17}',
    'events:{17}',
    'events:relay:{17}',
  ]);
  expect([workChannel(17), outboxKey(17), keyName('relay', ofShard(17))]).toEqual(['runs:work:{17}', 'events:{17}', 'events:relay:{17}']);
});

test('shards spread over the conversations', () => {
  const hits = new Set(Array.from({ length: 2_000 }, (_, index) => shardOf(`conversation-${index}`)));
  expect(hits.size).toBe(DEFAULT_SHARDS);
});

test("a user's keys share a slot, also for ids that hold braces", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (userId) => {
      const [list, titles] = (['conversations', 'titles'] as const).map((name) =>
        keyName(name, { shard: 0, conversationId: '', runId: '', userId }),
      );
      if (userId !== '') expect(keySlot(list!)).toBe(keySlot(titles!));
    }),
  );
});
