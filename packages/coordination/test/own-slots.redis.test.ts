import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisCaller } from '../src/redis/client/caller.ts';
import { connectRedis, type RedisClient } from '../src/redis/client/connect.ts';
import { createLists } from '../src/redis/conversation-lists.ts';
import { keyName, ofShard } from '../src/redis/keys.ts';
import { registerScripts } from '../src/redis/scripts.ts';
import { startRedis, waitFor, type TestRedis } from '../testing/index.ts';

// What has a slot of its own, away from the conversations: lists by person, the relays.

let redis: TestRedis;
let client: RedisClient;
beforeAll(async () => {
  redis = await startRedis();
  client = connectRedis(redis.url, () => {});
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

const partsOf = (userId: string, conversationId = '') => ({ shard: 0, conversationId, runId: '', userId });

test('a person’s list keeps the newest 1000 conversations with their titles, and a deleted one is in neither', async () => {
  const [scripts, caller] = [registerScripts(client), createRedisCaller(client)];
  const lists = createLists(client, scripts, caller, () => {});
  const listed = async (): Promise<string[]> => {
    const { conversations } = await lists.list({ userId: 'ann', limit: 2_000 });
    expect(conversations.every(({ conversationId, title }) => title === `About ${conversationId}`)).toBe(true);
    return conversations.map(({ conversationId }) => conversationId).toSorted();
  };
  const names = Array.from({ length: 1_005 }, (_, n) => `c${String(n).padStart(4, '0')}`);
  const [kept, titles] = (['conversations', 'titles'] as const).map((name) => keyName(name, partsOf('ann')));
  // Of times that stand apart: what is written in one millisecond has no order.
  const older = names.slice(0, 1_000);
  await redis.cli('ZADD', kept!, ...older.flatMap((name, n) => [n + 1, name]));
  await redis.cli('HSET', titles!, ...older.flatMap((name) => [name, `About ${name}`]));
  expect(await listed()).toEqual(older);
  for (const name of names.slice(1_000)) {
    lists.note('ann', name, `About ${name}`);
    await waitFor(async () => (await redis.cli('HEXISTS', titles!, name)) === 1);
  }
  expect(await listed()).toEqual(names.slice(5));
  expect(await redis.cli('HLEN', titles!)).toBe(1_000);

  lists.note('ann', names[500]!, '', { change: 'deleted' });
  await waitFor(async () => (await redis.cli('HEXISTS', titles!, names[500]!)) === 0);
  expect(await listed()).toEqual(names.slice(5).filter((name) => name !== names[500]));
  for (const key of [kept!, titles!]) expect(Number(await redis.cli('PTTL', key))).toBeGreaterThan(86_000_000);
});

test('what somebody chose for a conversation goes with it from their list: deleted, taken back, or pushed out by newer ones', async () => {
  const [scripts, caller] = [registerScripts(client), createRedisCaller(client)];
  const lists = createLists(client, scripts, caller, () => {});
  const [kept, presets] = (['conversations', 'presets'] as const).map((name) => keyName(name, partsOf('eve')));
  const chosen = async (): Promise<string[]> => ((await redis.cli('HKEYS', presets!)) as string[]).toSorted();
  const choose = (name: string): void => lists.note('eve', name, name, { system: 'Be brief.', model: 'count' });
  for (const name of ['a', 'b']) choose(name);
  await waitFor(async () => (await chosen()).length === 4);
  expect(Number(await redis.cli('PTTL', presets!))).toBeGreaterThan(86_000_000);
  lists.note('eve', 'a', 'a');
  lists.note('eve', 'a', '', { change: 'deleted' });
  await waitFor(async () => (await redis.cli('ZSCORE', kept!, 'a')) === null);
  expect(await chosen()).toEqual(['b:model', 'b:system']);
  lists.note('eve', 'b', 'b', { system: '' });
  await waitFor(async () => (await chosen()).length === 1);
  expect(await chosen()).toEqual(['b:model']);
  await redis.cli('ZADD', kept!, ...Array.from({ length: 1_000 }, (_, n) => [Date.now() + 60_000 + n, `new${n}`]).flat());
  choose('c');
  await waitFor(async () => (await redis.cli('ZCARD', kept!)) === 1_000);
  // Both are older than the thousand.
  expect(await chosen()).toEqual([]);
});

test('a relay counts while its lease lasts, and not when it was noted before the clock went back', async () => {
  const scripts = registerScripts(client);
  const key = keyName('relays', ofShard(0));
  const now = Date.now();
  const alive = async (owner: string, leaseMs = 3_000): Promise<number> => {
    const [word, count] = (await scripts.run('note-relay', ofShard(0), { owner, leaseMs })) as [string, number];
    expect(word).toBe('alive');
    return count;
  };
  expect(await alive('a')).toBe(1);
  expect(await alive('b')).toBe(2);
  expect(await alive('a')).toBe(2);
  // Over a second ago; ends in a minute, which a relay with a longer lease may have said; ends in an hour, which none has.
  await redis.cli('ZADD', key, now - 1_000, 'over', now + 60_000, 'patient', now + 3_600_000, 'before');
  expect(await alive('a')).toBe(3);
  expect(((await redis.cli('ZRANGE', key, 0, -1)) as string[]).toSorted()).toEqual(['a', 'b', 'patient']);
  // A long lease is known by its own length.
  await redis.cli('ZADD', key, now + 3_600_000, 'long');
  expect(await alive('a', 2_400_000)).toBe(4);
});
