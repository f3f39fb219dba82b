import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, endOf, promptOf, snapshotOf, startRun, type Started } from './contract/world.ts';
import { keyName, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import { useRedisLog } from './use-redis-log.ts';

// What an end leaves in Redis, and what it finds missing there: a reader is shown the same for long.

const { redis, log } = await useRedisLog();

type Ref = Pick<Started, 'conversationId' | 'runId'>;
const cli = (run: Ref, command: string, name: KeyName, ...rest: string[]): Promise<unknown> =>
  redis.cli(command, keyName(name, { shard: shardOf(run.conversationId), ...run }), ...rest);
const isIn = async (run: Ref, name: 'queued' | 'leases'): Promise<boolean> =>
  (await cli(run, 'ZSCORE', name, `${run.conversationId}:${run.runId}`)) !== null;
/** What the audit was told of the conversation's parts, oldest first. */
const partsTold = async ({ conversationId }: Ref): Promise<{ partId?: string; state?: string }[]> => {
  const rows = (await redis.cli('XRANGE', outboxKey(shardOf(conversationId)), '-', '+')) as [string, string[]][];
  return rows
    .map(([, fields]) => fields)
    .filter((fields) => fields.includes(conversationId) && fields.includes('PART_CHANGED'))
    .map((fields) => JSON.parse(fields[fields.indexOf('data') + 1]!) as { partId?: string; state?: string });
};

const tool: Part = { partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'running', name: 't', input: 'in' };

test('P-2 W-16 an end leaves nothing of a running answer: its parts, what its model was asked, its place in the lists', async () => {
  const run = await startRun(log, { request: '{"instructions":"brief"}' });
  await cli(run, 'HSET', 'run', 'thread', '[]');
  await log.putPart({ ...run, part: { ...tool, input: '' }, from: null });
  await log.appendPartChunk({ ...run, partId: 'p0', field: 'input', at: 0, text: 'in', t: 1 });
  expect([await isIn(run, 'leases'), await redis.cli('KEYS', `*${run.runId}*part:p0:*`)]).toEqual([true, [expect.any(String)]]);
  const thought: Part = { partId: 'p1', index: 1, at: 0, kind: 'reasoning', state: 'done', text: '', endedAt: 8 };
  await log.putPart({ ...run, part: thought, from: null });
  const parts = [
    { from: 'running' as const, part: { ...tool, state: 'done' as const, endedAt: 9 } },
    { from: 'done' as const, part: thought },
  ];
  const { offset } = await snapshotOf(log, run.conversationId);
  // Two events: of the part that the end closes, and its own. The other part stays as it is, and nobody is told of it again.
  expect(await log.endRun(endOf(run, '', { parts }))).toMatchObject({ outcome: 'ended', offset: offset + 2 });
  expect((await partsTold(run)).map(({ partId, state }) => [partId, state])).toEqual([
    ['p0', 'running'],
    ['p1', 'done'],
    ['p0', 'done'],
  ]);
  expect([await cli(run, 'EXISTS', 'parts'), await redis.cli('KEYS', `*${run.runId}*part:p0:*`)]).toEqual([0, []]);
  expect(await cli(run, 'HMGET', 'run', 'request', 'thread', 'status', 'epoch')).toEqual([null, null, 'complete', '1']);
  expect([await isIn(run, 'leases'), await cli(run, 'EXISTS', 'owner')]).toEqual([false, 0]);
  for (const name of ['run', 'log'] as const) expect(Number(await cli(run, 'PTTL', name))).toBeLessThanOrEqual(300_000);
  const unclaimed = { epoch: 1, ...promptOf() };
  await log.beginRun(unclaimed);
  await log.cancelRun(unclaimed);
  expect(await isIn(unclaimed, 'queued')).toBe(true);
  expect(await log.endRun(endOf(unclaimed, '', { epoch: null, reason: 'cancelled' }))).toMatchObject({ outcome: 'ended' });
  expect(await isIn(unclaimed, 'queued')).toBe(false);
  expect(Number(await cli(unclaimed, 'PTTL', 'cancel'))).toBeLessThanOrEqual(60_000);
});

test.each(['run', 'meta'] as const)('L-6 an owner that ends a run whose %s was evicted is told so, and ends nothing', async (name) => {
  const run = await startRun(log);
  await append(log, run, 0, 'abc');
  await cli(run, 'DEL', name);
  const told = await cli(run, 'XLEN', 'log');
  expect(await log.endRun(endOf(run, 'abc'))).toEqual({ outcome: 'gone' });
  expect([await cli(run, 'XLEN', 'log'), await cli(run, 'HEXISTS', 'history', run.runId), await cli(run, 'GET', 'text')]).toEqual([
    told,
    0,
    'abc',
  ]);
});
