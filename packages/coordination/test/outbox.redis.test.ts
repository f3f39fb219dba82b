import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Part } from '@runnel/protocol';
import { fromOutbox, EVENT_TYPES, RECOVERIES, type AuditEvent, type OutboxFields } from '@runnel/protocol/audit';
import { branch } from './contract/forking.ts';
import { append, endOf, LEASE_MS, MODELS, promptOf, restoreOf, startRun, USER, wholeRun } from './contract/world.ts';
import { keyName, ofShard, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import { createMemoryRunLog } from '../src/memory/run-log.ts';
import type { RunLog } from '../src/run-log/run-log.ts';
import { PATIENT_MS } from '../testing/patient.ts';
import { waitFor } from '../testing/index.ts';
import { useRedisLog } from './use-redis-log.ts';

const CAP = 200;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const { redis, log } = await useRedisLog({ deadlineMs: PATIENT_MS, outboxCap: CAP });

/** The events of one conversation, in order: what the scripts wrote, read by the schemas that the audit reads with. */
const outboxOf = async (conversationId: string, shard = shardOf(conversationId)): Promise<AuditEvent[]> => {
  const rows = (await redis.cli('XRANGE', outboxKey(shard), '-', '+')) as [string, string[]][];
  return rows
    .map(([, fields]) => Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]!]] : []))))
    .filter((fields) => fields['conversation'] === conversationId)
    .map((fields) => fromOutbox(fields as unknown as OutboxFields));
};

/** What a person has set; the subject is nobody's name. */
const ofPerson = (userId: string): Promise<AuditEvent[]> =>
  outboxOf(createHash('sha1').update(userId).digest('hex'), shardOf(encodeURIComponent(userId)));

/** A question to a person, and what they say. */
const waited = async (target: RunLog): Promise<string> => {
  const run = await startRun(target);
  const question: Part = { partId: 'p0', index: 0, at: 0, kind: 'question', state: 'waiting', text: 'Which one?' };
  expect(await target.putPart({ ...run, part: question, from: null })).toMatchObject({ outcome: 'put' });
  const usage = { promptTokens: 1, completionTokens: 2 };
  expect(await target.parkRun({ ...run, partIds: ['p0'], bytes: 0, usage, tell: true })).toEqual({ outcome: 'told' });
  expect(await target.parkRun({ ...run, partIds: ['p0'], bytes: 0, usage })).toMatchObject({ outcome: 'parked' });
  const answered: Part = { ...question, state: 'answered', answer: 'This one' };
  const decision = { ...run, userId: USER, decision: 'answer' as const, expected: question, part: answered };
  expect(await target.decidePart(decision)).toMatchObject({ outcome: 'decided' });
  return run.conversationId;
};

/** Everything a conversation can go through, but its restore. */
const story = async (target: RunLog): Promise<string> => {
  const first = await startRun(target, { trace: TRACE });
  const { conversationId } = first;
  await append(target, first, 0, 'tiếng "Việt" 😀');
  await target.releaseRun(first);
  const again = { ...first, epoch: 2 };
  await target.claimRun({ ...again, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS });
  await target.endRun(endOf(again, 'tiếng "Việt" 😀', { usage: { promptTokens: 1, completionTokens: 2 } }));
  const { runId, messageId: promptId } = first;
  await target.proposeTitle({ conversationId, userId: USER, runId, promptId, expected: 'A title', title: 'Sông "Hồng"', model: 'small' });
  const second = await startRun(target, { conversationId });
  await target.cancelRun({ ...second, userId: USER });
  await target.endRun(endOf(second, '', { reason: 'cancelled' }));
  const third = await startRun(target, { conversationId });
  await target.endRun(endOf(third, '', { reason: 'failed', error: { code: 'model-failed', message: 'It "failed"' } }));
  await target.setTitle({ conversationId, userId: USER, title: 'Tên mới' });
  await target.deleteMessage({ conversationId, userId: USER, messageId: third.messageId });
  await target.deleteConversation({ conversationId, userId: USER });
  return conversationId;
};

const TYPES = [
  'SESSION_STARTED',
  'CHAT_MESSAGE',
  'STREAM_STARTED',
  'RECOVERY_ATTEMPT',
  'STREAM_COMPLETED',
  'TITLE_CHANGED',
  'CHAT_MESSAGE',
  'STREAM_STARTED',
  'STREAM_CANCELLED',
  'CHAT_MESSAGE',
  'STREAM_STARTED',
  'STREAM_ERROR',
  'TITLE_CHANGED',
  'MESSAGE_DELETED',
  'SESSION_DELETED',
];

test('L-2 P-9 every state change is in the outbox once, numbered without a gap, and chunks are not', async () => {
  const entries = await outboxOf(await story(log));
  expect(entries.map((entry) => entry.type)).toEqual(TYPES);
  expect(entries.map((entry) => entry.id.split(':')[1])).toEqual(TYPES.map((_, index) => `a${index + 1}`));
  expect(new Set(entries.map((entry) => entry.id.split(':')[0])).size).toBe(1);
  expect(
    entries.every(
      (entry) => Math.abs(Date.parse(entry.time) - Date.now()) < MINUTE_MS && 'userId' in entry.data && entry.data.userId === USER,
    ),
  ).toBe(true);
  expect(entries.slice(0, 5).map((entry) => entry.traceparent)).toEqual(Array(5).fill(TRACE));
  expect(entries[4]!.data).toMatchObject({
    reason: 'complete',
    text: 'tiếng "Việt" 😀',
    model: 'count',
    epoch: 2,
    owner: 'pod-b.1',
    usage: { completionTokens: 2 },
    bytes: Buffer.byteLength('tiếng "Việt" 😀'),
  });
  expect(entries[5]!.data).toEqual({ userId: USER, title: 'Sông "Hồng"', model: 'small' });
  expect(entries[8]!.data).toMatchObject({ cancelledBy: USER, cancel: { requestedAt: expect.any(Number) }, text: '' });
  expect(entries[11]!.data).toMatchObject({ error: { code: 'model-failed', message: 'It "failed"' } });
});

test('P-9 memory writes the same entries', async () => {
  const memory = createMemoryRunLog();
  const mine = await outboxOf(await story(log));
  await story(memory);
  const theirs = memory.outbox.read(100).map(({ fields }) => fromOutbox(fields));
  const shape = (data: object): string[] => Object.keys(data).toSorted();
  expect(theirs.map((entry) => [entry.type, shape(entry.data)])).toEqual(mine.map((entry) => [entry.type, shape(entry.data)]));
  memory.outbox.trim(memory.outbox.read(3).map((entry) => entry.entryId));
  expect(memory.outbox.read(1)[0]!.fields.type).toBe(TYPES[3]);
});

test('L-2 P-9 a fork is told whole, with where it comes from, and by memory in the same words', async () => {
  const memory = createMemoryRunLog();
  const messages = branch(2);
  const from = { conversationId: 'source', messageId: messages.at(-1)!.messageId };
  const command = { conversationId: 'forked', userId: USER, title: 'Nhánh', from, messages, system: 'Be short.', model: 'count' };
  for (const target of [log, memory]) expect(await target.forkConversation(command)).toEqual({ outcome: 'forked' });
  const mine = await outboxOf('forked');
  expect(mine.map(({ type }) => type)).toEqual([
    'SESSION_STARTED',
    ...messages.map(() => 'CHAT_MESSAGE'),
    ...messages.map(() => 'PART_CHANGED'),
    'PRESET_CHANGED',
  ]);
  expect(mine[0]!.data).toEqual({ userId: USER, title: 'Nhánh', forkedFrom: from });
  const told = mine.flatMap(({ data }) => ('message' in data ? [data.message] : []));
  expect(told).toEqual(messages.map(({ parts: _, ...message }) => message));
  // Whole, where the message shows its beginning.
  expect(
    mine.map(({ data }) => ('partId' in data && 'text' in data ? JSON.parse(data.text!).text?.length : undefined)).filter(Boolean),
  ).toEqual(messages.flatMap(({ parts = [] }) => parts.flatMap(({ text }) => (text === undefined ? [] : [text.length]))));
  const theirs = memory.outbox.read(100).map(({ fields }) => fromOutbox(fields));
  expect(theirs.map(({ type, data }) => [type, data])).toEqual(mine.map(({ type, data }) => [type, data]));
});

test('P-9 a title that repeats deleted words goes with them, in the trail as in the store', async () => {
  const memory = createMemoryRunLog();
  const titled = {
    conversationId: 'titled',
    title: 'Mật khẩu của tôi\u2026',
    message: { messageId: 'm1', text: 'Mật  khẩu của tôi là 1234' },
  };
  for (const target of [log, memory]) {
    await wholeRun(target, titled);
    expect(await target.deleteMessage({ conversationId: 'titled', userId: USER, messageId: 'm1' })).toMatchObject({ outcome: 'done' });
  }
  const theirs = memory.outbox.read(100).map(({ fields }) => fromOutbox(fields));
  for (const entries of [await outboxOf('titled'), theirs]) {
    expect(entries.slice(-2)).toMatchObject([{ type: 'MESSAGE_DELETED' }, { type: 'TITLE_CHANGED', data: { userId: USER, title: '' } }]);
  }
});

test('P-9 a restore tells the audit all that its owner knows', async () => {
  const run = { conversationId: 'restored-1', runId: 'r1', messageId: 'm1', epoch: 2 };
  await log.restoreRun(restoreOf(run, 'abc'));
  const [entry] = await outboxOf(run.conversationId);
  expect(entry).toMatchObject({
    type: 'RECOVERY_ATTEMPT',
    data: { kind: 'restore', bytes: 3, title: 'A title', messages: [{ messageId: 'm1' }] },
  });
});

test('P-9 every event and every kind of recovery that a script writes is read by its schema, and so is what memory writes', async () => {
  const lost = { conversationId: 'lost-end', runId: 'r1', messageId: 'm1', epoch: 1 };
  const ways = async (target: RunLog): Promise<string[]> => {
    const conversations = [await story(target), 'taken-back', 'put-back', lost.conversationId];
    const messages = [
      {
        messageId: 'm1',
        parentId: null,
        role: 'user' as const,
        text: 'hỏi',
        status: 'complete' as const,
        createdAt: 1_700_000_000_000,
        author: USER,
      },
      {
        messageId: 'r1',
        parentId: 'm1',
        role: 'assistant' as const,
        text: 'đáp',
        status: 'complete' as const,
        model: 'count',
        createdAt: 1_700_000_000_001,
      },
    ];
    await target.rehydrate({ conversationId: 'put-back', userId: USER, title: 'Cũ', messages, hasMore: false });
    await target.setPreset({ conversationId: 'put-back', userId: USER, system: 'ngắn "thôi"', model: 'story' });
    const { conversationId, runId, epoch, ...restore } = restoreOf({ ...lost, conversationId: 'taken-back' }, 'abc', { messages });
    await target.restoreRun({ conversationId, runId, epoch, ...restore });
    const { owner: _owner, leaseMs: _leaseMs, ...end } = restoreOf(lost, 'abc');
    await target.restoreEnd({
      ...end,
      reason: 'complete',
      bytes: 3,
      sha256: endOf(lost, 'abc').sha256,
      usage: { promptTokens: 4, completionTokens: 3 },
    });
    const unclaimed = promptOf({ conversationId: 'never-claimed' });
    await target.beginRun(unclaimed);
    await target.cancelRun({ conversationId: 'never-claimed', runId: unclaimed.runId, userId: USER });
    const place = { userId: USER, kind: 'place' as const, lasting: true };
    await target.mergeRecords({ ...place, records: [] });
    await target.putRecord({ ...place, name: 'put-back', patch: { pinned: '1' } });
    return [...conversations, 'never-claimed', await waited(target)];
  };
  const memory = createMemoryRunLog();
  await ways(memory);
  const theirs = memory.outbox.read(1_000).map(({ fields }) => fromOutbox(fields));
  const conversations = await ways(log);
  const mine = (await Promise.all([...conversations.map((id) => outboxOf(id)), ofPerson(USER)])).flat();
  const words = ({ type, data }: AuditEvent): string => (type === 'RECOVERY_ATTEMPT' && 'kind' in data ? data.kind : type);
  const written = new Set(mine.map(words));
  const inTheTrailOnly = [
    ...['KEY_MADE', 'KEY_ENDED', 'SIGNED_IN', 'SIGNED_OUT'],
    'ADMIN_READ',
    'USER_ERASED',
    'USER_FORGOTTEN',
    'TRAIL_CUT',
    ...['TEXTS_CUT', 'RUNS_CUT', 'HOLD_SET', 'HOLD_ENDED'],
    'CHUNK_RECEIVED',
    'RECOVERY_ATTEMPT',
    'merge',
  ];
  expect([...EVENT_TYPES, ...Object.keys(RECOVERIES)].filter((word) => !written.has(word) && !inTheTrailOnly.includes(word))).toEqual([]);
  expect(new Set(theirs.map(words))).toEqual(written);
  const again = mine.find(({ subject }) => subject === lost.conversationId);
  expect(again?.data).toMatchObject({ restored: true, usage: { promptTokens: 4, completionTokens: 3 } });
});

test('with a relay registered, a full outbox refuses prompts and loses nothing of running runs', async () => {
  const running = await startRun(log);
  const { conversationId } = running;
  const shard = shardOf(conversationId);
  const filler = ['id', 'x', 'type', 'x', 'conversation', 'filler', 'time', 0, 'data', '{}', 'trace', ''];
  // The end of the run fills it.
  const missing = CAP - 1 - Number(await redis.cli('XLEN', outboxKey(shard)));
  await Promise.all(Array.from({ length: missing }, () => redis.cli('XADD', outboxKey(shard), '*', ...filler)));
  const prompt = promptOf({ conversationId });
  await redis.cli('SET', keyName('relay', ofShard(shard)), 'relay');
  expect(await log.endRun(endOf(running, ''))).toMatchObject({ outcome: 'ended' });
  expect(await log.beginRun(prompt)).toEqual({ outcome: 'overloaded' });
  expect((await outboxOf(conversationId)).map((entry) => entry.type)).toContain('STREAM_COMPLETED');
  await redis.cli('DEL', keyName('relay', ofShard(shard)));
  expect(await log.beginRun(prompt)).toMatchObject({ outcome: 'started' });
});

test('keys live a day from the last change, a run five minutes after its end, its text until then, a cancel flag one', async () => {
  const run = await startRun(log);
  const { conversationId, runId } = run;
  const lifeOf = async (name: KeyName): Promise<number> =>
    Number(await redis.cli('PTTL', keyName(name, { shard: shardOf(conversationId), conversationId, runId })));
  await append(log, run, 0, 'abc');
  for (const name of ['meta', 'history', 'order', 'ids', 'log', 'owner', 'run', 'text'] as const) {
    expect(await lifeOf(name), name).toBeGreaterThan(DAY_MS - MINUTE_MS);
  }
  await log.cancelRun({ ...run, userId: USER });
  await log.endRun(endOf(run, 'abc', { reason: 'cancelled' }));
  expect(Math.abs((await lifeOf('run')) - 5 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
  expect(await lifeOf('text')).toBe(-2);
  expect(await lifeOf('log')).toBeLessThanOrEqual(MINUTE_MS);
  expect(await lifeOf('cancel')).toBeLessThanOrEqual(MINUTE_MS);
  expect(await lifeOf('owner')).toBe(-2);
  await waitFor(async () => (await log.listConversations({ userId: USER, limit: 1 })).conversations.length === 1);
  for (const name of ['conversations', 'titles'] as const) {
    expect(Number(await redis.cli('PTTL', keyName(name, { shard: 0, conversationId, runId, userId: USER }))), name).toBeGreaterThan(
      DAY_MS - MINUTE_MS,
    );
  }
  const noExpiry: string[] = [];
  for (const key of (await redis.cli('KEYS', '*')) as string[])
    if (Number(await redis.cli('PTTL', key)) === -1) noExpiry.push(key.replace(/\{.*/, ''));
  expect([...new Set(noExpiry)].filter((name) => !['events:', 'store:', 'runs:leases:', 'runs:queued:'].includes(name))).toEqual([]);
});

test('the log of a long run is trimmed, and a deleted conversation leaves nothing of itself', async () => {
  const run = await startRun(log);
  const { conversationId, runId } = run;
  for (let at = 0; at < 4_500; at++) await append(log, run, at, 'x');
  const parts = { shard: shardOf(conversationId), conversationId, runId };
  expect(Number(await redis.cli('XLEN', keyName('log', parts)))).toBeLessThan(512 + 200);
  await log.endRun(endOf(run, 'x'.repeat(4_500)));
  await log.deleteConversation({ conversationId, userId: USER });
  await wholeRun(log);
  const left = ((await redis.cli('KEYS', `*${conversationId}*`)) as string[]).filter((key) => !key.startsWith('streaming:active'));
  // Whose id it is, and that it was deleted, for a day: the database may hear of it later.
  expect(left.toSorted()).toEqual([expect.stringMatching(/^chat:deleted:/), expect.stringMatching(/^chat:owner:/)]);
  expect(await redis.cli('EXISTS', keyName('text', parts))).toBe(0);
});

test('B3 a restore of a long conversation is told in events of a bounded size, each message once, by both logs alike', async () => {
  const memory = createMemoryRunLog();
  const run = { conversationId: 'restored-long', runId: 'r9', messageId: 'm59', epoch: 2 };
  const messages = Array.from({ length: 60 }, (_, i) => ({
    ...{ messageId: `m${i}`, parentId: i === 0 ? null : `m${i - 1}`, role: i % 2 === 0 ? ('assistant' as const) : ('user' as const) },
    ...{ text: 'ắ'.repeat(i === 7 ? 200_000 : 10_000), status: 'complete' as const, createdAt: 1_700_000_000_000 + i },
  }));
  const restore = restoreOf(run, 'abc', { messages });
  for (const target of [log, memory]) expect((await target.restoreRun(restore)).outcome).toBe('restored');
  const told = await outboxOf(run.conversationId);
  const theirs = memory.outbox.read(100).map(({ fields }) => fromOutbox(fields).data);
  expect(theirs).toEqual(told.map(({ data }) => data));
  const restores = told.flatMap(({ data }) => ('kind' in data && data.kind === 'restore' ? [data] : []));
  expect(restores).toHaveLength(told.length);
  const parts = restores.map(({ messages: part }) => part);
  expect(parts.length).toBeGreaterThan(5);
  expect(parts.flat().map(({ messageId }) => messageId)).toEqual(messages.map(({ messageId }) => messageId));
  for (const part of parts.filter(({ length }) => length > 1)) expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(300_000);
  expect(restores.map(({ part }) => part)).toEqual([undefined, ...parts.slice(1).map((_, i) => i + 2)]);
});
