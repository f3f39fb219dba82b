import { newId, type Message, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  promptOf,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Started,
} from './contract/world.ts';
import { keyName, shardOf, type KeyName } from '../src/redis/keys.ts';
import { useRedisLog } from './use-redis-log.ts';

// What the scripts that write something again leave in Redis: the contract sees what a reader sees, and that is the same for long.

const { redis, log } = await useRedisLog();

type Ref = Pick<Started, 'conversationId' | 'runId'>;
const key = ({ conversationId, runId }: Ref, name: KeyName): string =>
  keyName(name, { shard: shardOf(conversationId), conversationId, runId });
const cli = (run: Ref, command: string, name: KeyName, ...rest: string[]): Promise<unknown> => redis.cli(command, key(run, name), ...rest);
const drop = async (run: Ref, ...names: KeyName[]): Promise<void> => {
  for (const name of names) await cli(run, 'DEL', name);
};
const isIn = async (run: Ref, name: 'queued' | 'leases'): Promise<boolean> =>
  (await cli(run, 'ZSCORE', name, `${run.conversationId}:${run.runId}`)) !== null;
const idsIn = async (run: Ref): Promise<string[]> => (await snapshotOf(log, run.conversationId)).messages.map(({ messageId }) => messageId);
const endAgain = (run: Started, text: string) => ({ ...endOf(run, text), ...restoreOf(run, text) });

const tool: Part = { partId: 'p0', index: 0, at: 0, kind: 'tool', state: 'running', name: 't', input: 'in' };
const withPart = async (): Promise<Started> => {
  const run = await startRun(log);
  await log.putPart({ ...run, part: { ...tool, input: '' }, from: null });
  await log.appendPartChunk({ ...run, partId: 'p0', field: 'input', at: 0, text: 'in', t: 1 });
  return run;
};

test('P-2 what ended longer ago than its record lives is not written again', async () => {
  const run = await wholeRun(log);
  await drop(run, 'run');
  expect(await log.restoreRun(restoreOf(run, 'w000001 '))).toEqual({ outcome: 'closed' });
  const later = { ...endAgain(run, 'other'), run: { ...restoreOf(run, '').run, startedAt: Date.now() + 60_000 } };
  expect(await log.restoreEnd(later)).toEqual({ outcome: 'stands' });
  await cli(run, 'HDEL', 'history', run.runId);
  expect(await log.restoreEnd(later)).toEqual({ outcome: 'stands' });
  await drop(run, 'ids');
  await cli(run, 'HSET', 'history', run.runId, '{}');
  expect(await log.restoreRun(restoreOf(run, 'w000001 '))).toEqual({ outcome: 'closed' });
});

test('L-6 a run that is written again leaves a conversation that is whole as it was', async () => {
  const { conversationId } = await wholeRun(log);
  const run = await startRun(log, { conversationId });
  await append(log, run, 0, 'ab');
  const before = await snapshotOf(log, conversationId);
  expect((await log.restoreRun({ ...restoreOf(run, 'abc'), title: 'another' })).outcome).toBe('restored');
  expect(await snapshotOf(log, conversationId)).toMatchObject({ title: before.title, hasMore: false, messages: before.messages });
  expect(await cli(run, 'HEXISTS', 'run', 'thread')).toBe(0);
});

test('L-6 of a conversation that was lost nothing is left over, and of one whose record alone went nothing is lost', async () => {
  const first = await wholeRun(log);
  const run = await startRun(log, { conversationId: first.conversationId });
  await drop(run, 'meta', 'run');
  await log.restoreRun(restoreOf(run, 'ab'));
  expect(await idsIn(run)).toEqual([run.messageId]);
  const second = await wholeRun(log);
  const kept = await startRun(log, { conversationId: second.conversationId });
  await drop(kept, 'meta');
  await log.restoreRun(restoreOf(kept, 'ab'));
  expect(await idsIn(kept)).toEqual([second.messageId, second.runId, kept.messageId]);
});

test('L-6 the parts of a run are those that its owner holds, for a day, without what is empty', async () => {
  const run = await withPart();
  expect((await log.restoreRun({ ...restoreOf(run, 'ab'), parts: [tool], step: 2 })).outcome).toBe('restored');
  expect(await cli(run, 'HMGET', 'run', 'parts', 'step')).toEqual(['1', '2']);
  expect(Number(await cli(run, 'PTTL', 'parts'))).toBeGreaterThan(86_000_000);
  const streamed = (await redis.cli('KEYS', `*${run.runId}*part:p0:*`)) as string[];
  expect(streamed.map((name) => name.replace(/.*:/, ''))).toEqual(['input']);
  await cli(run, 'HSET', 'run', 'waiting', '["p0"]', 'thread', '[]');
  expect((await log.restoreRun(restoreOf(run, 'abc'))).outcome).toBe('restored');
  expect(await cli(run, 'HMGET', 'run', 'parts', 'step', 'waiting', 'thread')).toEqual([null, null, null, null]);
  expect(await cli(run, 'EXISTS', 'parts')).toBe(0);
  expect(await redis.cli('KEYS', `*${run.runId}*part:p0:*`)).toEqual([]);
});

test('L-6 who wrote a run again has its lease, and nobody finds it waiting', async () => {
  const run = await startRun(log);
  await log.releaseRun(run);
  await cli(run, 'HSET', 'owner', 'owner', 'pod-a.1', 'runId', run.runId);
  expect([await isIn(run, 'queued'), await isIn(run, 'leases')]).toEqual([true, false]);
  expect((await log.restoreRun(restoreOf(run, 'ab'))).outcome).toBe('restored');
  expect([await isIn(run, 'queued'), await isIn(run, 'leases')]).toEqual([false, true]);
});

test('L-6 an answer without a text yet is written into a conversation made again without a piece of it', async () => {
  const run = await startRun(log);
  const { conversationId } = run;
  await log.deleteConversation({ conversationId, userId: USER });
  await drop(run, 'run');
  const again = await startRun(log, { conversationId });
  await log.endRun(endOf(again, ''));
  expect((await log.restoreRun(restoreOf(run, ''))).outcome).toBe('restored');
  expect((await eventsOf(log, conversationId)).filter(({ type }) => type === 'chunk')).toEqual([]);
});

test('L-6 a conversation that was made again is told of the parts as its readers would have seen them, and knows the run by its id', async () => {
  const run = await withPart();
  const { conversationId, runId } = run;
  await log.deleteConversation({ conversationId, userId: USER });
  await drop(run, 'run');
  await log.endRun(endOf(await startRun(log, { conversationId }), ''));
  const parts: Part[] = [
    { ...tool, state: 'done', output: 'out' },
    { partId: 'p1', index: 1, at: 0, kind: 'reasoning', state: 'open', text: 'hm' },
  ];
  expect((await log.restoreRun({ ...restoreOf(run, 'ab'), parts })).outcome).toBe('restored');
  const told = (await eventsOf(log, conversationId)) as unknown as { type: string; field?: string; part?: Part; offset: number }[];
  const begun = told.findLastIndex(({ type }) => type === 'run-started');
  expect(told.slice(begun).map(({ type, field, part }) => [type, field ?? part?.state].filter(Boolean).join(' '))).toEqual([
    'run-started',
    'chunk',
    expect.stringMatching(/^part /),
    'part-chunk input',
    'part-chunk output',
    'part done',
    'part open',
    'part-chunk text',
  ]);
  const found = await log.findRun({ conversationId, userId: USER, messageId: null, runId });
  expect(found).toEqual({ outcome: 'running', runId, offset: told[begun]!.offset });
});

test('B17 a message as old as the oldest that is here is no older turn', async () => {
  const conversationId = newId();
  const turns = Array.from({ length: 200 }, (_, index): Message => ({
    messageId: `m${index}`,
    parentId: index === 0 ? 'gone' : `m${index - 1}`,
    role: index % 2 === 0 ? 'user' : 'assistant',
    text: 'x',
    status: 'complete',
    createdAt: 1_000 + index,
  }));
  await log.rehydrate({ conversationId, userId: USER, title: '', messages: turns.slice(1), hasMore: true });
  const run: Started = { conversationId, runId: newId(), messageId: 'twin', epoch: 1 };
  const messages: Message[] = [{ ...turns[1]!, messageId: 'twin', parentId: null, role: 'user' }];
  expect((await log.restoreRun(restoreOf(run, 'ab', { messages }))).outcome).toBe('restored');
  expect(await cli(run, 'HEXISTS', 'history', 'twin')).toBe(1);
});

test('B4 an end that is written again leaves nothing of a running answer, and its record for five minutes', async () => {
  const run = await withPart();
  await cli(run, 'HSET', 'run', 'request', '{}', 'thread', '[]');
  await log.cancelRun({ ...run, userId: USER });
  await cli(run, 'HSET', 'meta', 'before', 'x:1');
  expect((await log.restoreEnd(endAgain(run, 'ab'))).outcome).toBe('restored');
  for (const name of ['owner', 'text', 'cancel', 'parts'] as const) expect([name, await cli(run, 'EXISTS', name)]).toEqual([name, 0]);
  expect(await redis.cli('KEYS', `*${run.runId}*part:p0:*`)).toEqual([]);
  expect([await isIn(run, 'queued'), await isIn(run, 'leases')]).toEqual([false, false]);
  expect(await cli(run, 'HMGET', 'run', 'request', 'thread', 'status')).toEqual([null, null, 'complete']);
  expect(await cli(run, 'HMGET', 'meta', 'active', 'before', 'leaf')).toEqual([null, null, run.runId]);
  expect(Number(await cli(run, 'PTTL', 'run'))).toBeLessThanOrEqual(300_000);
  const waiting = await startRun(log);
  await log.releaseRun(waiting);
  await log.restoreEnd(endAgain(waiting, 'ab'));
  expect(await isIn(waiting, 'queued')).toBe(false);
});

test('B4 S-1 a conversation that comes back by the end of its run is its owner’s, with nothing of an earlier life', async () => {
  const run = await wholeRun(log);
  const next = await startRun(log, { conversationId: run.conversationId });
  await drop(next, 'meta', 'run', 'whose');
  expect((await log.restoreEnd(endAgain(next, 'ab'))).outcome).toBe('restored');
  expect(await idsIn(next)).toEqual([next.messageId, next.runId]);
  expect(await cli(next, 'EXISTS', 'whose')).toBe(1);
  expect(await cli(next, 'HMGET', 'meta', 'userId', 'trimmed')).toEqual([USER, '1']);
  expect(await log.beginRun({ ...promptOf({ conversationId: run.conversationId }), userId: 'user-2' })).toEqual({ outcome: 'forbidden' });
});

test('B4 what runs meanwhile is waited for, and an answer of a later life stands', async () => {
  const old = await wholeRun(log);
  const run = await startRun(log, { conversationId: old.conversationId });
  await drop(old, 'run');
  await cli(old, 'HDEL', 'history', old.runId);
  await cli(old, 'HDEL', 'ids', old.runId);
  await cli(old, 'ZREM', 'order', old.runId);
  const past = { ...endAgain(old, 'ab'), run: { ...restoreOf(old, 'ab').run, startedAt: Date.now() + 60_000 } };
  expect(await log.restoreEnd(past)).toEqual({ outcome: 'busy' });
  await log.endRun(endOf(run, ''));
  expect(await log.restoreEnd({ ...past, run: { ...past.run, startedAt: 1 } })).toEqual({ outcome: 'closed' });
  expect((await log.restoreEnd(past)).outcome).toBe('restored');
  const claim = await log.claimRun({ ...old, owner: 'p', leaseMs: LEASE_MS, models: MODELS });
  expect(claim).toEqual({ outcome: 'gone' });
  expect(() => claimed(claim)).toThrow();
});
