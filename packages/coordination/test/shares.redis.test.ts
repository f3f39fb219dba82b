import { expect, test } from 'vitest';
import { keyName } from '../src/redis/keys.ts';
import { createMemoryRunLog } from '../src/memory/run-log.ts';
import type { RunLog } from '../src/run-log/run-log.ts';
import { MemoryStore } from '../src/memory/store.ts';
import { useRedisLog } from './use-redis-log.ts';

const { redis, log } = await useRedisLog();

const hold = (by: RunLog, userId: string, holder: string, wanted: number, holders: string[]) =>
  by.holdShare({ userId, kind: 'sockets', holder, wanted, limit: 10, holders });

test('S-6 what a gateway held counts for half a minute after it was last seen, then not, and is forgotten', async () => {
  for (const [userId, ageMs, granted] of [
    ['ann', 20_000, 1],
    ['bob', 31_000, 10],
  ] as const) {
    const key = keyName('shares', { shard: 0, conversationId: '', runId: '', userId });
    await redis.cli('HSET', key, 'sockets|gw-dead', `9|${Date.now() - ageMs}`);
    expect(await hold(log, userId, 'gw-a', 10, ['gw-a', 'gw-dead'])).toBe(1);
    expect(await hold(log, userId, 'gw-a', 10, ['gw-a'])).toBe(granted);
    expect(await redis.cli('HEXISTS', key, 'sockets|gw-dead')).toBe(granted === 1 ? 1 : 0);
  }
});

test('S-6 the same in memory', async () => {
  let now = 1_000_000;
  const memory = createMemoryRunLog({ store: new MemoryStore(() => now, 20_000) });
  await hold(memory, 'ann', 'gw-dead', 9, ['gw-dead']);
  now += 30_000;
  expect(await hold(memory, 'ann', 'gw-a', 10, ['gw-a'])).toBe(1);
  now += 1;
  expect(await hold(memory, 'ann', 'gw-a', 10, ['gw-a', 'gw-dead'])).toBe(1);
  expect(await hold(memory, 'ann', 'gw-a', 10, ['gw-a'])).toBe(10);
  await memory.close();
});
