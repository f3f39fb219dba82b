import type { Part } from '@runnel/protocol';
import { fromOutbox, type OutboxFields } from '@runnel/protocol/audit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { append, LEASE_MS, MODELS, OWNER, startRun, USER, type Started } from './contract/world.ts';
import { keyName, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import type { WorkHint } from '../src/run-log/run-log.ts';
import { waitFor } from '../testing/index.ts';
import { useRedisLog } from './use-redis-log.ts';

// What parts and a run that waits for a person leave in Redis, and what the audit is told of it.

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const { redis, log } = await useRedisLog();

const key = ({ conversationId, runId }: Started, name: KeyName): string =>
  keyName(name, { shard: shardOf(conversationId), conversationId, runId });
const cli = (run: Started, command: string, name: KeyName, ...rest: string[]): Promise<unknown> =>
  redis.cli(command, key(run, name), ...rest);
const lifeOf = async (name: string): Promise<number> => Number(await redis.cli('PTTL', name));
const fieldOf = (run: Started, partId: string, field: string): string => `${key(run, 'partPrefix')}${partId}:${field}`;
/** What the audit was told of the run's waiting, oldest first. */
const toldOf = async ({ conversationId }: Started, type: string): Promise<Record<string, unknown>[]> => {
  const rows = (await redis.cli('XRANGE', outboxKey(shardOf(conversationId)), '-', '+')) as [string, string[]][];
  return rows
    .map(([, fields]) => Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]!]] : []))))
    .filter((fields) => fields['conversation'] === conversationId && fields['type'] === type)
    .map((fields) => fromOutbox(fields as unknown as OutboxFields).data as unknown as Record<string, unknown>);
};

const question = (index: number): Part => ({ partId: `p${index}`, index, at: 0, kind: 'question', state: 'waiting', text: 'Which one?' });
const asking = async (count = 1): Promise<Started> => {
  const run = await startRun(log);
  for (let index = 0; index < count; index++) await log.putPart({ ...run, part: question(index), from: null });
  return run;
};
const decide = (run: Started, index: number) => {
  const part: Part = { ...question(index), state: 'answered', answer: 'This one' };
  return log.decidePart({ ...run, userId: USER, decision: 'answer', expected: question(index), part });
};

test('W-17 the audit is told all that another store needs to go on with a waiting run, and nothing that is not so', async () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const facts = fc.record({
    trimmed: maybe(fc.record({ messages: fc.integer({ min: 0, max: 9 }), tokens: fc.integer({ min: 0, max: 999 }) })),
    requestedModel: maybe(fc.constantFrom('story', 'a "quoted" one')),
    base: maybe(fc.integer({ min: 0, max: 9 })),
    request: maybe(fc.constantFrom('{"temperature":1}', '{"stop":["\\"é😀"]}')),
    usage: maybe(fc.record({ promptTokens: fc.integer({ min: 0, max: 99 }), completionTokens: fc.integer({ min: 0, max: 99 }) })),
    text: fc.constantFrom('', 'half "an" answer 😀'),
    questions: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(facts, async ({ trimmed, requestedModel, base, request, usage, text, questions }) => {
      const run = await asking(questions);
      if (text !== '') await append(log, run, 0, text);
      const fields = { cut: trimmed?.messages, lost: trimmed?.tokens, requested: requestedModel, base, request };
      for (const [name, value] of Object.entries(fields)) if (value !== undefined) await cli(run, 'HSET', 'run', name, String(value));
      const partIds = Array.from({ length: questions }, (_, index) => `p${index}`);
      const bytes = Buffer.byteLength(text);
      expect(await log.parkRun({ ...run, partIds, bytes, ...(usage && { usage }) })).toMatchObject({ outcome: 'parked' });
      const [told, ...more] = await toldOf(run, 'RUN_WAITING');
      expect(more).toEqual([]);
      expect(told).toEqual({
        ...{ userId: USER, runId: run.runId, epoch: 1, bytes, partIds, parentId: run.messageId, model: 'count', parts: questions, text },
        startedAt: expect.any(Number) as number,
        ...(usage && { used: expect.objectContaining({ usage }) as object }),
        ...(trimmed && { trimmed }),
        ...(requestedModel && { requestedModel }),
        ...(base !== undefined && { base }),
        ...(request && { request: { text: request } }),
      });
    }),
    { numRuns: 15, seed: 7 },
  );
});

test('L-2 a count that is none, in a run that somebody damaged, is told as 0 and keeps nothing from waiting', async () => {
  const run = await asking();
  await cli(run, 'HSET', 'run', 'cut', 'many', 'lost', 'nan');
  expect(await log.parkRun({ ...run, partIds: ['p0'], bytes: 0 })).toMatchObject({ outcome: 'parked' });
  expect((await toldOf(run, 'RUN_WAITING')).at(-1)).toMatchObject({ trimmed: { messages: 0, tokens: 0 } });
});

test('W-17 the audit is told once of one waiting, however often its owner says it, and again of another', async () => {
  const run = await asking(2);
  const park = (partIds: string[], tell = false) => log.parkRun({ ...run, partIds, bytes: 0, tell });
  for (let i = 0; i < 2; i++) expect(await park(['p0'], true)).toEqual({ outcome: 'told' });
  expect(await toldOf(run, 'RUN_WAITING')).toHaveLength(1);
  expect(await park(['p0', 'p1'], true)).toEqual({ outcome: 'told' });
  expect(await park(['p0', 'p1'])).toMatchObject({ outcome: 'parked' });
  expect((await toldOf(run, 'RUN_WAITING')).map(({ partIds }) => partIds)).toEqual([['p0'], ['p0', 'p1']]);
  expect(await cli(run, 'HEXISTS', 'run', 'told')).toBe(0);
});

test('W-17 a waiting run is in no list of work, has no owner and no failed tries, and is kept for 31 days with what its parts streamed', async () => {
  const run = await startRun(log);
  const tool: Part = { partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'running', name: 't' };
  await log.putPart({ ...run, part: tool, from: null });
  await log.appendPartChunk({ ...run, partId: 'p0', field: 'input', at: 0, text: '{"a":1}', t: 1 });
  await log.putPart({ ...run, part: { ...tool, state: 'waiting', input: '{"a":1}' }, from: 'running' });
  await append(log, run, 0, 'ab');
  await cli(run, 'HSET', 'owner', 'tries', '3');
  await cli(run, 'ZADD', 'queued', '1', `${run.conversationId}:${run.runId}`);
  expect(await log.parkRun({ ...run, partIds: ['p0'], bytes: 2 })).toMatchObject({ outcome: 'parked' });
  for (const name of ['leases', 'queued'] as const)
    expect([name, await cli(run, 'ZSCORE', name, `${run.conversationId}:${run.runId}`)]).toEqual([name, null]);
  expect(await cli(run, 'HMGET', 'owner', 'owner', 'writer', 'tries', 'parked')).toEqual(['', '', '0', run.runId]);
  const kept = (['meta', 'log', 'owner', 'run', 'text', 'parts', 'history', 'order', 'ids'] as const).map((name) => key(run, name));
  for (const name of [...kept, fieldOf(run, 'p0', 'input')])
    expect([name, (await lifeOf(name)) > 31 * DAY_MS - MINUTE_MS]).toEqual([name, true]);
});

test('W-18 a decision is told to the pod that holds the run, and the last one to all who may take it', async () => {
  const heard: WorkHint[] = [];
  const listening = await log.onWork((hint) => void heard.push(hint));
  const hintsOf = ({ runId }: Started): string[] => heard.flatMap((hint) => ('runId' in hint && hint.runId === runId ? [hint.kind] : []));
  const held = await asking();
  expect(await decide(held, 0)).toMatchObject({ outcome: 'decided' });
  await waitFor(() => hintsOf(held).includes('decided'));
  expect(await cli(held, 'ZSCORE', 'queued', `${held.conversationId}:${held.runId}`)).toBeNull();
  const run = await asking(2);
  await log.parkRun({ ...run, partIds: ['p0', 'p1'], bytes: 0 });
  expect(await decide(run, 1)).toMatchObject({ outcome: 'decided' });
  expect(await cli(run, 'HMGET', 'owner', 'parked')).toEqual([run.runId]);
  expect(await cli(run, 'ZSCORE', 'queued', `${run.conversationId}:${run.runId}`)).toBeNull();
  expect(hintsOf(run)).not.toContain('free');
  expect(await decide(run, 0)).toMatchObject({ outcome: 'decided' });
  await waitFor(() => hintsOf(run).includes('free'));
  expect(await cli(run, 'HEXISTS', 'owner', 'parked')).toBe(0);
  expect(await cli(run, 'HEXISTS', 'run', 'waiting')).toBe(0);
  expect(await cli(run, 'ZSCORE', 'queued', `${run.conversationId}:${run.runId}`)).not.toBeNull();
  expect((await log.claimRun({ ...run, owner: OWNER, leaseMs: LEASE_MS, models: MODELS })).outcome).toBe('claimed');
  await listening.close();
});

test.each<[string, (run: Started) => Promise<{ outcome: string }>]>([
  ['a new part', (run) => log.putPart({ ...run, part: question(1), from: null })],
  ['a part that changes', (run) => log.putPart({ ...run, part: { ...question(0), state: 'answered', answer: 'x' }, from: 'waiting' })],
  ['what a part streams', (run) => log.appendPartChunk({ ...run, partId: 'p0', field: 'text', at: 0, text: 'x', t: 1 })],
  ['waiting', (run) => log.parkRun({ ...run, partIds: ['p0'], bytes: 0 })],
  ['a decision', (run) => decide(run, 0)],
])('L-6 %s for a conversation that the store has lost is gone, and writes nothing', async (_, act) => {
  const run = await asking();
  await cli(run, 'DEL', 'meta');
  const parts = await cli(run, 'HGETALL', 'parts');
  const events = (await cli(run, 'XLEN', 'log')) as number;
  expect((await act(run)).outcome).toBe('gone');
  expect([await cli(run, 'HGETALL', 'parts'), await cli(run, 'XLEN', 'log'), await cli(run, 'EXISTS', 'meta')]).toEqual([parts, events, 0]);
});

test('L-2 what a part streams lives a day, and a long stream of it trims the log', async () => {
  const run = await startRun(log);
  await log.putPart({ ...run, part: { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'running' }, from: null });
  for (let i = 0; i < 700; i++) await log.appendPartChunk({ ...run, partId: 'p0', field: 'text', at: i, text: 'x', t: 1 });
  expect(await lifeOf(fieldOf(run, 'p0', 'text'))).toBeGreaterThan(DAY_MS - MINUTE_MS);
  expect(Number(await cli(run, 'XLEN', 'log'))).toBeLessThan(650);
  expect(Number(await cli(run, 'XLEN', 'log'))).toBeGreaterThanOrEqual(512);
});
