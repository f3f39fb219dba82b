import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { connectRedis } from './client/connect.ts';
import { promptOf } from '../../test/contract/world.ts';
import { shardOf, DEFAULT_SHARDS } from './keys.ts';
import { OutboxShards } from './outbox-shards.ts';
import { createRedisCaller } from './client/caller.ts';
import { createRedisRunLog } from './run-log.ts';
import { startRedis, waitFor, type TestRedis } from '../../testing/index.ts';

let redis: TestRedis;
beforeAll(async () => void (redis = await startRedis()));
beforeEach(() => redis.cli('FLUSHALL'));
afterAll(() => redis.stop());

const relay = (node: string, leaseMs = 60_000): OutboxShards => {
  const client = connectRedis(redis.url, () => {});
  onTestFinished(() => client.disconnect());
  return new OutboxShards(client, createRedisCaller(client), { node, leaseMs });
};

test('relays share the shards evenly; what one gives back or leaves behind the other takes', async () => {
  const [a, b] = [relay('a'), relay('b', 500)];
  await a.balance();
  expect(a.heldShards()).toHaveLength(DEFAULT_SHARDS);
  const even = async (): Promise<boolean> => {
    await b.balance();
    await a.balance();
    return a.heldShards().length === DEFAULT_SHARDS / 2 && b.heldShards().length === DEFAULT_SHARDS / 2;
  };
  await waitFor(even, { deadlineMs: 5_000, what: 'each has its half' });
  expect(new Set([...a.heldShards(), ...b.heldShards()]).size).toBe(DEFAULT_SHARDS);

  // The other dies without a word.
  const all = async (): Promise<boolean> => a.balance().then(() => a.heldShards().length === DEFAULT_SHARDS);
  await waitFor(all, { deadlineMs: 5_000, what: 'its shards are taken' });
  await a.release();
  const c = relay('c');
  await c.balance();
  expect(c.heldShards()).toHaveLength(DEFAULT_SHARDS);
});

test('P-9 a relay that starts while the store is full empties the outbox all the same', async () => {
  const log = createRedisRunLog({ url: redis.url });
  onTestFinished(() => log.close());
  const { conversationId } = promptOf();
  expect(await log.beginRun(promptOf({ conversationId }))).toMatchObject({ outcome: 'started' });
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  onTestFinished(async () => void (await redis.cli('CONFIG', 'SET', 'maxmemory', '0')));
  const outbox = relay('late');
  await outbox.balance();
  const shard = shardOf(conversationId);
  expect(outbox.heldShards()).toContain(shard);
  const entries = await outbox.read(shard, 10);
  expect(entries.map(({ fields }) => fields.type)).toEqual(['SESSION_STARTED', 'CHAT_MESSAGE', 'STREAM_STARTED']);
  await outbox.trim(
    shard,
    entries.map(({ entryId }) => entryId),
  );
  expect(await outbox.backlog()).toBe(0);
  await outbox.release();
});
