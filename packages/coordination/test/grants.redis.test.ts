import { createHash } from 'node:crypto';
import { newId } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyName } from '../src/redis/keys.ts';
import { useRedisLog } from './use-redis-log.ts';

// What the scripts of grants leave in Redis, with times that no clock of a test would give.

const { redis, log } = await useRedisLog();

const HOUR_MS = 3_600_000;
const digestOf = (grantId: string): string => createHash('sha256').update(grantId).digest('hex');
const listOf = (userId: string): string => keyName('grants', { shard: 0, conversationId: '', runId: '', userId });
const add = (
  userId: string,
  grantId: string,
  change: { lifeMs?: number | null; idleMs?: number; limit?: number; whenFull?: 'replace' } = {},
) => {
  const { lifeMs = HOUR_MS, idleMs = 0, limit = 3, whenFull = 'refuse' } = change;
  return log.addGrant({ userId, grantId, kind: 'session', digest: digestOf(grantId), data: '{}', lifeMs, idleMs, limit, whenFull });
};
const held = async (userId: string, grantId: string): Promise<Record<string, unknown>> =>
  JSON.parse((await redis.cli('HGET', listOf(userId), grantId)) as string) as Record<string, unknown>;
/** Puts other times into a grant that is there. */
const date = async (userId: string, grantId: string, times: { createdAt?: number; usedAt?: number }): Promise<void> => {
  await redis.cli('HSET', listOf(userId), grantId, JSON.stringify({ ...(await held(userId, grantId)), ...times }));
};

test('A-2 the ones that make way are those unused for longest, of these the oldest, of these the first by name', async () => {
  const now = Date.now();
  const time = fc.integer({ min: 1, max: 3 });
  const grants = fc.array(fc.tuple(time, time), { minLength: 2, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(grants, fc.integer({ min: 1, max: 3 }), async (drawn, limit) => {
      const userId = newId();
      const all = drawn.map(([used, created]) => ({ grantId: newId(), usedAt: now - used * 1000, createdAt: now - created * 1000 }));
      for (const { grantId } of all) await add(userId, grantId, { limit: 10 });
      for (const { grantId, usedAt, createdAt } of all) await date(userId, grantId, { usedAt, createdAt });
      const byUse = all.toSorted((a, b) => a.usedAt - b.usedAt || a.createdAt - b.createdAt || (a.grantId < b.grantId ? -1 : 1));
      const leaving = byUse.slice(0, Math.max(0, all.length - limit + 1)).map(({ grantId }) => grantId);
      const last = newId();
      expect(await add(userId, last, { limit, whenFull: 'replace' })).toEqual({ outcome: 'added', replaced: leaving });
      const stays = [...all.map(({ grantId }) => grantId), last].filter((grantId) => !leaving.includes(grantId));
      expect(new Set((await redis.cli('HKEYS', listOf(userId))) as string[])).toEqual(new Set(stays));
    }),
    { numRuns: 15 },
  );
});

test('A-2 one that is added again, for its first answer was lost, does not stand in its own way', async () => {
  const userId = newId();
  for (const _ of [1, 2]) expect(await add(userId, 'one', { limit: 1 })).toEqual({ outcome: 'added', replaced: [] });
  expect(await add(userId, 'two', { limit: 1 })).toEqual({ outcome: 'full' });
});

test('A-2 one that has ended by itself leaves the list with the next that is added, and counts for nothing', async () => {
  const userId = newId();
  await add(userId, 'unused', { idleMs: HOUR_MS });
  await add(userId, 'over');
  await date(userId, 'unused', { usedAt: Date.now() - 2 * HOUR_MS });
  await redis.cli('HSET', listOf(userId), 'over', JSON.stringify({ ...(await held(userId, 'over')), expires: Date.now() - 1 }));
  expect(await add(userId, 'new', { limit: 1 })).toEqual({ outcome: 'added', replaced: [] });
  expect(await redis.cli('HKEYS', listOf(userId))).toEqual(['new']);
});

test('A-3 a person’s list lives as long as the last of its grants, and for ever with one that has no end', async () => {
  const userId = newId();
  const life = async (): Promise<number> => Number(await redis.cli('PTTL', listOf(userId)));
  await add(userId, 'hour');
  await add(userId, 'minute', { lifeMs: 60_000 });
  expect(await life()).toBeGreaterThan(HOUR_MS - 60_000);
  expect(await life()).toBeLessThanOrEqual(HOUR_MS);
  await add(userId, 'hour', { lifeMs: 2 * HOUR_MS });
  expect(await life()).toBeGreaterThan(HOUR_MS);
  await add(userId, 'key', { lifeMs: null, limit: 9 });
  expect(await life()).toBe(-1);
  await add(userId, 'later', { limit: 9 });
  expect(await life()).toBe(-1);
});

test('A-1 a way that leads nowhere lets nobody in, and a grant that has lapsed is taken off the list when it is tried', async () => {
  const [userId, other] = [newId(), newId()];
  await add(userId, 'gone');
  await redis.cli('HDEL', listOf(userId), 'gone');
  expect(await log.useGrant({ kind: 'session', digest: digestOf('gone') })).toEqual({ outcome: 'none' });
  await add(other, 'idle', { idleMs: 1_000 });
  await date(other, 'idle', { usedAt: Date.now() - 2_000 });
  expect(await log.useGrant({ kind: 'session', digest: digestOf('idle') })).toEqual({ outcome: 'none' });
  expect(await redis.cli('EXISTS', listOf(other))).toBe(0);
});

test('A-3 a clock that went back makes no grant older than it is', async () => {
  const userId = newId();
  const usedAt = Date.now() + HOUR_MS;
  await add(userId, 'ahead');
  await date(userId, 'ahead', { usedAt });
  expect(await log.useGrant({ kind: 'session', digest: digestOf('ahead') })).toMatchObject({ outcome: 'valid' });
  expect((await held(userId, 'ahead')).usedAt).toBe(usedAt);
});
