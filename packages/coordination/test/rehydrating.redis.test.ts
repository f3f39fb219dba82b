import { newId, type Message, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, endOf, promptOf, restoreOf, snapshotOf, startRun, USER, wholeRun, type Started } from './contract/world.ts';
import { keyName, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import { useRedisLog } from './use-redis-log.ts';

// What a conversation is made of in Redis after the database gave it back, in whole or in part.

const MONTH_MS = 31 * 86_400_000;
const MINUTE_MS = 60_000;

const { redis, log } = await useRedisLog();

type Ref = { conversationId: string; runId?: string };
const cli = ({ conversationId, runId = '' }: Ref, command: string, name: KeyName, ...rest: string[]): Promise<unknown> =>
  redis.cli(command, keyName(name, { shard: shardOf(conversationId), conversationId, runId }), ...rest);
const old = (messageId: string, change: Partial<Message> = {}): Message => ({
  ...{ messageId, parentId: null, role: 'user', text: `old ${messageId}`, status: 'complete', createdAt: 1, author: USER },
  ...change,
});
const stored = (conversationId: string, change: object = {}) => ({
  ...{ conversationId, userId: USER, title: 'Cũ', messages: [] as Message[], hasMore: false },
  ...change,
});
const idsIn = async ({ conversationId }: Ref): Promise<string[]> =>
  (await snapshotOf(log, conversationId)).messages.map(({ messageId }) => messageId);
const loseSince = (run: Ref, ms: number): Promise<unknown> => cli(run, 'HSET', 'meta', 'lossy', String(Date.now() - ms));

test('L-6 for ten seconds after a loss the database is asked again, and not for longer', async () => {
  for (const [ago, isLossy] of [
    [1, true],
    [2 * MINUTE_MS, false],
  ] as const) {
    const run = await wholeRun(log);
    await loseSince(run, ago);
    expect(await log.rehydrate(stored(run.conversationId))).toEqual({ outcome: 'exists' });
    expect([ago, (await cli(run, 'HEXISTS', 'meta', 'lossy')) === 1]).toEqual([ago, isLossy]);
  }
});

test('B13 what was evicted and the database does not have either is forgotten, once it can have nothing more to say', async () => {
  const run = await wholeRun(log);
  await cli(run, 'HDEL', 'history', run.messageId);
  await loseSince(run, 2 * MINUTE_MS);
  await log.rehydrate(stored(run.conversationId, { messages: [old('other')] }));
  expect(await cli(run, 'ZRANGE', 'order', '0', '-1')).toEqual(expect.arrayContaining([run.runId, 'other']));
  expect(await cli(run, 'ZSCORE', 'order', run.messageId)).toBeNull();
  expect(await cli(run, 'HGET', 'meta', 'trimmed')).toBe('1');
});

test('B13 a conversation whose title was evicted gets the database’s, others keep theirs', async () => {
  const run = await wholeRun(log);
  await cli(run, 'HSET', 'meta', 'untitled', '1', 'title', '');
  expect(await log.rehydrate(stored(run.conversationId))).toMatchObject({ outcome: 'rehydrated' });
  expect(await snapshotOf(log, run.conversationId)).toMatchObject({ title: 'Cũ' });
  expect(await log.rehydrate(stored(run.conversationId, { title: 'Another' }))).toEqual({ outcome: 'exists' });
  expect(await snapshotOf(log, run.conversationId)).toMatchObject({ title: 'Cũ' });
});

test('B5 where a log stood before is forgotten once the rest is back, but not while an answer may be newer', async () => {
  for (const isRunning of [false, true]) {
    const run = await (isRunning ? startRun(log) : wholeRun(log));
    await loseSince(run, 1);
    await cli(run, 'HSET', 'meta', 'before', 'elsewhere:9');
    const leaf = await cli(run, 'HGET', 'meta', 'leaf');
    expect(await log.rehydrate(stored(run.conversationId, { messages: [old('m0')] }))).toMatchObject({ outcome: 'rehydrated' });
    expect(await cli(run, 'HGET', 'meta', 'before')).toBe(isRunning ? 'elsewhere:9' : null);
    // What is asked next hangs below the answer that runs.
    expect(await cli(run, 'HGET', 'meta', 'leaf')).toBe(isRunning ? leaf : 'm0');
  }
});

test('B13 what is older than all that was left goes before it; what is as old goes behind; both are known by the run they made', async () => {
  const { conversationId } = stored(newId());
  await log.rehydrate(stored(conversationId, { messages: [old('m5', { createdAt: 5 })] }));
  await loseSince({ conversationId }, 1);
  await cli({ conversationId }, 'HSET', 'meta', 'mended', '1');
  const messages = [
    old('m1', { createdAt: 1 }),
    old('a4', { createdAt: 4, role: 'assistant', parentId: 'm1' }),
    old('twin', { createdAt: 5 }),
  ];
  expect(await log.rehydrate(stored(conversationId, { messages }))).toMatchObject({ outcome: 'rehydrated' });
  // Before anything looks that would put right what is missing.
  for (const [messageId, runId] of [
    ['m1', 'a4'],
    ['a4', 'a4'],
    ['twin', 'twin'],
  ] as const)
    expect(await log.findRun({ conversationId, userId: USER, messageId, runId: newId() })).toMatchObject({ outcome: 'ended', runId });
  expect(await idsIn({ conversationId })).toEqual(['m1', 'a4', 'm5', 'twin']);
});

test('B6 a conversation that comes back has nothing of what an eviction left of it', async () => {
  const run = await wholeRun(log);
  await cli(run, 'DEL', 'meta');
  expect(await log.rehydrate(stored(run.conversationId, { messages: [old('m0')] }))).toMatchObject({ outcome: 'rehydrated' });
  expect(await cli(run, 'HKEYS', 'history')).toEqual(['m0']);
  expect(await cli(run, 'EXISTS', 'log')).toBe(0);
  expect(await idsIn(run)).toEqual(['m0']);
});

const part: Part = { partId: 'p0', index: 0, at: 0, kind: 'question', state: 'waiting', text: 'Which one?' };
const call: Part = { partId: 'p1', index: 1, at: 0, kind: 'tool', state: 'waiting', name: 't', server: 's', input: '{}' };
const parkedAs = (runId: string, change: object = {}) => ({
  ...{ runId, parentId: 'm0', model: 'count', startedAt: 1, epoch: 2, claims: 2, text: 'abc', partIds: ['p0', 'p1'] },
  ...{ parts: [part, call], used: { usage: { promptTokens: 1, completionTokens: 1 }, bytes: 3 }, ...change },
});

test('W-17 an answer that waits for a person comes back for a month', async () => {
  const { conversationId } = stored(newId());
  const runId = newId();
  await log.rehydrate(stored(conversationId, { messages: [old('m0')], parked: parkedAs(runId) }));
  for (const name of ['meta', 'owner', 'history', 'order', 'ids', 'run', 'text', 'parts'] as const)
    expect([name, Number(await cli({ conversationId, runId }, 'PTTL', name)) > MONTH_MS - MINUTE_MS]).toEqual([name, true]);
});

test('W-17 of an answer that comes back only what there is of it is kept, and no message without a name is known', async () => {
  const { conversationId } = stored(newId());
  const runId = newId();
  await log.rehydrate(stored(conversationId, { messages: [old('m0')], parked: parkedAs(runId, { parentId: null }) }));
  const run = { conversationId, runId };
  expect(((await cli(run, 'HKEYS', 'ids')) as string[]).toSorted()).toEqual(['m0', runId].toSorted());
  const prefix = `${keyName('run', { shard: shardOf(conversationId), ...run })}:part:`;
  const kept = ((await redis.cli('KEYS', `${prefix}*`)) as string[]).map((key) => key.slice(prefix.length));
  expect(kept).toEqual(['p1:input']);
});

test('W-4 the question of an answer that comes back is known by it, also where the question itself does not come', async () => {
  const run = { conversationId: newId(), runId: newId() };
  await log.rehydrate(stored(run.conversationId, { messages: [old('m0')], parked: parkedAs(run.runId, { parentId: 'm9' }) }));
  expect(await cli(run, 'HGET', 'ids', 'm9')).toBe(`${run.runId}|0`);
});

test('W-17 what this store still has of a run is newer than what the database has of its wait', async () => {
  for (const [status, text] of [
    ['complete', 'newer'],
    ['running', 'newer'],
  ] as const) {
    const { conversationId } = stored(newId());
    const run = { conversationId, runId: newId() };
    await cli(run, 'HSET', 'run', 'status', status, 'epoch', '3', 'parentId', 'm0', 'model', 'count', 'startedAt', '1');
    await cli(run, 'SET', 'text', text);
    await log.rehydrate(stored(conversationId, { messages: [old('m0')], parked: parkedAs(run.runId) }));
    expect([status, await cli(run, 'HMGET', 'run', 'status', 'epoch'), await cli(run, 'GET', 'text')]).toEqual([
      status,
      [status, '3'],
      text,
    ]);
    expect([status, await cli(run, 'HGET', 'meta', 'active')]).toEqual([status, status === 'running' ? run.runId : null]);
  }
});

test('a model that the database says was chosen is left by name only, and the audit hears of it', async () => {
  const { conversationId } = stored(newId());
  await log.rehydrate(stored(conversationId, { messages: [old('m0')], model: 'story' }));
  expect(await log.beginRun(promptOf({ conversationId, model: 'count' }))).toMatchObject({ outcome: 'started' });
  const rows = (await redis.cli('XRANGE', outboxKey(shardOf(conversationId)), '-', '+')) as [string, string[]][];
  const told = rows.filter(([, fields]) => fields.includes(conversationId) && fields.includes('PRESET_CHANGED'));
  expect(told).toHaveLength(1);
});

test('B13 a run whose record alone was evicted has not ended: its owner writes it again', async () => {
  const run = await startRun(log);
  await append(log, run, 0, 'ab');
  await cli(run, 'DEL', 'run');
  expect(await log.restoreRun(restoreOf(run, 'ab'))).toMatchObject({ outcome: 'restored' });
  expect(await append(log, run, 2, 'c')).toMatchObject({ outcome: 'appended' });
});

test('who wrote an answer again is named once in its receipt, and of so many owners not all are', async () => {
  const nodesOf = async (run: Started): Promise<string[] | undefined> => {
    await log.endRun(endOf(run, 'ab'));
    const { messages } = await snapshotOf(log, run.conversationId);
    return messages.at(-1)!.receipt?.nodes;
  };
  const run = await startRun(log);
  await append(log, run, 0, 'ab');
  await log.restoreRun(restoreOf(run, 'ab'));
  expect(await nodesOf(run)).toEqual(['pod-a.1']);
  const later = { ...(await startRun(log)), epoch: 2 };
  await log.restoreRun(restoreOf(later, 'ab', { owner: 'pod-b.1' }));
  expect(await nodesOf(later)).toEqual(['pod-a.1', 'pod-b.1']);
  for (const [length, isNamed] of [
    [2_047, true],
    [2_048, false],
  ] as const) {
    const crowded = { ...(await startRun(log)), epoch: 2 };
    await cli(crowded, 'HSET', 'run', 'nodes', 'x'.repeat(length));
    await log.restoreRun(restoreOf(crowded, 'ab', { owner: 'pod-b.1' }));
    expect([length, (await nodesOf(crowded))!.includes('pod-b.1')]).toEqual([length, isNamed]);
  }
});
