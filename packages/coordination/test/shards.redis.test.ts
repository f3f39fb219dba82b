import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { connectRedis, createRedisRunLog, openShards, type RedisClient } from '../src/index.ts';
import { DEFAULT_SHARDS, keyName, ofShard, outboxKey, shardCount, useShards } from '../src/redis/keys.ts';
import { startRedis, type TestRedis } from '../testing/index.ts';
import { waitFor } from '../testing/wait.ts';

let redis: TestRedis;
let client: RedisClient;
beforeAll(async () => {
  redis = await startRedis();
  client = connectRedis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  await redis.cli('FLUSHALL');
});

const open = async (wanted?: number): Promise<number> => {
  onTestFinished(() => useShards(DEFAULT_SHARDS));
  const refuse = (line: string): void => expect.unreachable(line);
  (await openShards({ client, wanted, waitMs: 5000, refuse })).close();
  return shardCount();
};

test('an empty Redis takes the number that is wanted first, and tells it to whoever comes without one', async () => {
  expect(await open(128)).toBe(128);
  expect(await open()).toBe(128);
  expect(await open(128)).toBe(128);
  await expect(open(64)).rejects.toThrow('REDIS_SHARDS is 64, but the conversations in this Redis are spread over 128');
  expect(await client.get(keyName('shards', ofShard(0)))).toBe('128');
});

test('of many who come at once with different wishes one number holds for all', async () => {
  const asked = await Promise.allSettled(
    [16, 32, 48, 64].map((wanted) => openShards({ client, wanted, waitMs: 5000, refuse: () => undefined })),
  );
  onTestFinished(() => useShards(DEFAULT_SHARDS));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('data of 0.1.0, which kept no number, goes on with 64', async () => {
  await client.xadd(outboxKey(5), '1-0', 'type', 'MESSAGE_SENT');
  await expect(open(128)).rejects.toThrow('spread over 64');
  expect(await open()).toBe(64);
});

test('who loses the number finds it again by the conversations that are there', async () => {
  expect(await open(200)).toBe(200);
  const log = createRedisRunLog({ url: redis.url });
  onTestFinished(() => log.close());
  const begun = { conversationId: 'c1', runId: 'r1', userId: 'ann', model: 'demo', message: { messageId: 'm1', text: 'hi' }, title: 'hi' };
  expect(await log.beginRun(begun)).toMatchObject({ outcome: 'started' });
  const noted = async (): Promise<boolean> => (await client.exists(keyName('store', ofShard(199)))) === 1;
  await waitFor(noted, { deadlineMs: 10_000, what: 'every shard to be noted' });
  await client.del(keyName('shards', ofShard(0)));
  expect(await open()).toBe(200);
  expect(await log.readState({ conversationId: 'c1', userId: 'ann', cursor: null })).toMatchObject({ run: { runId: 'r1' } });
});
