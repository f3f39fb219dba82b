import { newId, type Part } from '@runnel/protocol';
import { fromOutbox, type OutboxFields } from '@runnel/protocol/audit';
import { expect, test } from 'vitest';
import { claimed, LEASE_MS, MODELS, OWNER, promptOf, snapshotOf, startRun, wholeRun, USER, type Started } from './contract/world.ts';
import { keyName, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import { useRedisLog } from './use-redis-log.ts';

// What a prompt finds in Redis of earlier lives, and leaves there or tells the audit: a reader is shown the same for long.

const { redis, log } = await useRedisLog();

type Ref = Pick<Started, 'conversationId' | 'runId'>;
const cli = (run: Ref, command: string, name: KeyName, ...rest: (string | number)[]): Promise<unknown> =>
  redis.cli(command, keyName(name, { shard: shardOf(run.conversationId), ...run }), ...rest);
/** What the audit was told of the conversation in events of this type. */
const toldOf = async (conversationId: string, type: string): Promise<unknown[]> => {
  const rows = (await redis.cli('XRANGE', outboxKey(shardOf(conversationId)), '-', '+')) as [string, string[]][];
  return rows
    .map(([, fields]) => Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]!]] : []))))
    .filter((fields) => fields['conversation'] === conversationId && fields['type'] === type)
    .map((fields) => fromOutbox(fields as unknown as OutboxFields).data);
};

test('S-1 what an eviction left of somebody’s conversation is no part of the one that another person begins under its id', async () => {
  const first = await wholeRun(log);
  const { conversationId } = first;
  for (const name of ['meta', 'whose'] as const) await cli(first, 'DEL', name);
  const prompt = promptOf({ conversationId, userId: 'another' });
  expect(await log.beginRun(prompt)).toEqual({ outcome: 'started', runId: prompt.runId, offset: 3 });
  const { messages, offset } = await snapshotOf(log, conversationId);
  expect([messages.map(({ messageId }) => messageId), offset]).toEqual([[prompt.message.messageId], 3]);
  for (const name of ['history', 'ids'] as const) expect(await cli(first, 'HEXISTS', name, first.messageId)).toBe(0);
  expect([await cli(first, 'ZCARD', 'order'), await cli(first, 'XLEN', 'log')]).toEqual([1, 3]);
});

test('S-1 one of the two records that say whose a conversation is says it without the other', async () => {
  for (const lost of ['whose', 'meta'] as const) {
    const first = await wholeRun(log);
    await cli(first, 'DEL', lost);
    const { conversationId } = first;
    expect([lost, await log.beginRun(promptOf({ conversationId, userId: 'another' }))]).toMatchObject([lost, { outcome: 'forbidden' }]);
    expect([lost, await log.beginRun(promptOf({ conversationId }))]).toMatchObject([lost, { outcome: 'started' }]);
  }
});

test('L-1 a run whose name an earlier one had has its epochs behind it, and nothing else of it', async () => {
  const prompt = promptOf();
  const { conversationId, runId, message } = prompt;
  const run = { conversationId, runId };
  await cli(run, 'SET', 'text', 'old');
  await cli(run, 'SET', 'cancel', `1|${USER}`);
  await cli(run, 'HSET', 'owner', 'runId', runId, 'owner', 'pod-z', 'epoch', 7, 'expires', Date.now() + LEASE_MS, 'parked', runId);
  const left = {
    ...{ status: 'deleted', epoch: 7, cancel: `1|${USER}`, parts: 1, step: 5, waiting: '["p0"]', used: '{"bytes":3}', told: '7:3:["p0"]' },
    ...{ copied: `4:${Date.now()}`, base: 3, cut: 1, lost: 2, thread: '[]', requested: 'story', nodes: 'pod-z' },
  };
  await cli(run, 'HSET', 'run', ...Object.entries(left).flat());
  expect(await log.beginRun(prompt)).toMatchObject({ outcome: 'started' });
  const fields = (await cli(run, 'HKEYS', 'run')) as string[];
  expect(fields.toSorted()).toEqual(['epoch', 'model', 'parentId', 'request', 'startedAt', 'status', 'trace']);
  expect([await cli(run, 'EXISTS', 'text'), await cli(run, 'EXISTS', 'cancel')]).toEqual([0, 0]);
  const claim = claimed(await log.claimRun({ ...run, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
  expect(claim).toMatchObject({ epoch: 8, text: '', cancelled: null, run: { parentId: message.messageId } });
  for (const name of ['parts', 'used', 'base']) expect(claim[name as keyof typeof claim] ?? []).toEqual([]);
});

test('P-9 the audit is told when a prompt names another model than somebody chose for the conversation, and only then', async () => {
  const { conversationId } = await wholeRun(log, { model: 'count' });
  const told = () => toldOf(conversationId, 'PRESET_CHANGED');
  await wholeRun(log, { conversationId, model: 'story' });
  expect(await told()).toEqual([]);
  await log.setPreset({ conversationId, userId: USER, model: 'count' });
  const chosen = await told();
  await wholeRun(log, { conversationId, model: 'count' });
  await wholeRun(log, { conversationId, model: 'count', preset: true });
  expect(await told()).toEqual(chosen);
  await wholeRun(log, { conversationId, model: 'story' });
  expect((await told()).slice(chosen.length)).toEqual([{ userId: USER, model: 'story' }]);
});

test('W-4 a prompt to a conversation that is not known here, and was not asked for elsewhere, writes nothing', async () => {
  const run = { conversationId: newId(), runId: newId() };
  expect(await log.beginRun({ ...promptOf(run), message: null, parentId: 'm' })).toMatchObject({ outcome: 'not-found' });
  expect(await redis.cli('KEYS', `*${run.conversationId}*`)).toEqual([]);
});

test('L-1 a prompt into a conversation that is not known here begins nothing until somebody was asked who may know it', async () => {
  const prompt = promptOf();
  expect(await log.beginRun({ ...prompt, making: 'no' })).toEqual({ outcome: 'none' });
  expect(await redis.cli('KEYS', `*${prompt.conversationId}*`)).toEqual([]);
  expect(await toldOf(prompt.conversationId, 'CHAT_MESSAGE')).toEqual([]);
  expect(await log.beginRun({ ...prompt, making: 'proven' })).toMatchObject({ outcome: 'started' });
});

test('P-9 the audit is told once that a conversation began, and of what was left out of a run’s thread only if something was', async () => {
  const { conversationId } = await wholeRun(log);
  const prompt = promptOf({ conversationId });
  expect(await log.beginRun({ ...prompt, room: 1_000_000 })).toMatchObject({ outcome: 'started' });
  expect(await toldOf(conversationId, 'SESSION_STARTED')).toEqual([{ userId: USER, title: expect.any(String) }]);
  const begun = await toldOf(conversationId, 'STREAM_STARTED');
  expect(begun).toMatchObject([{}, { runId: prompt.runId }]);
  for (const started of begun) expect(started).not.toHaveProperty('trimmed');
});

test('L-1 a run that waits has nobody for an owner, and its lease is over', async () => {
  const prompt = promptOf();
  await log.beginRun(prompt);
  const held = (await cli({ ...prompt }, 'HMGET', 'owner', 'runId', 'owner', 'epoch', 'expires')) as string[];
  expect(held).toEqual(['', '', '0', '0']);
});

const file: Part = {
  ...{ partId: 'f0', index: 0, at: 0, kind: 'file', state: 'done', fileId: 'file-1', name: 'a.csv', mediaType: 'text/csv' },
  ...{ bytes: 12, sha256: 'a'.repeat(64), tokens: 3 },
};

test('P-9 the audit is told of the files of a prompt apart from its words, and a thread is known to have files only if it has', async () => {
  for (const parts of [[], [file]]) {
    const prompt = promptOf({ message: { messageId: newId(), text: 'look', ...(parts.length > 0 && { parts }) } });
    await log.beginRun(prompt);
    const told = await toldOf(prompt.conversationId, 'PART_CHANGED');
    expect(told).toMatchObject(parts.map(({ partId }) => ({ userId: USER, runId: prompt.message.messageId, partId })));
    expect(told).toHaveLength(parts.length);
    expect(await cli(prompt, 'HEXISTS', 'meta', 'files')).toBe(parts.length);
  }
});

test('B17 of the turns that a prompt brings along those that are here are not kept a second time', async () => {
  const first = await wholeRun(log);
  const { conversationId } = first;
  const { messages } = await snapshotOf(log, conversationId);
  const elsewhere = { ...messages[0]!, messageId: 'elsewhere', parentId: null };
  const prompt = promptOf({ conversationId, parentId: first.runId, thread: [elsewhere, ...messages] });
  expect(await log.beginRun(prompt)).toMatchObject({ outcome: 'started' });
  const kept = JSON.parse(String(await cli(prompt, 'HGET', 'run', 'thread'))) as [string, string][];
  expect(kept.map(([messageId]) => messageId)).toEqual(['elsewhere']);
});

test('W-13 of a conversation that is deleted while it is written and cancelled nothing is left to be taken, stopped or read', async () => {
  const [ended, run] = [await wholeRun(log), await startRun(log)];
  const { conversationId } = run;
  await log.cancelRun({ ...run, userId: USER });
  expect(await cli(run, 'EXISTS', 'cancel')).toBe(1);
  // Of an answer that ended minutes ago.
  const earlier = { conversationId, runId: ended.runId };
  await cli(earlier, 'SET', 'text', 'words');
  await cli(earlier, 'HSET', 'run', 'cancel', USER, 'request', '{}', 'thread', '[]');
  await cli(earlier, 'HSET', 'ids', ended.runId, `${ended.runId}|0`);
  const queued = promptOf();
  await log.beginRun(queued);
  for (const one of [run, queued]) await log.deleteConversation({ conversationId: one.conversationId, userId: USER });
  expect([await cli(run, 'EXISTS', 'cancel'), await cli(run, 'EXISTS', 'text'), await cli(earlier, 'EXISTS', 'text')]).toEqual([0, 0, 0]);
  expect(await cli(earlier, 'HMGET', 'run', 'cancel', 'request', 'thread')).toEqual([null, null, null]);
  for (const one of [run, queued])
    for (const list of ['leases', 'queued'] as const)
      expect([list, await cli(one, 'ZSCORE', list, `${one.conversationId}:${one.runId}`)]).toEqual([list, null]);
  // That it was deleted is known to its owner for a day.
  expect(await cli(run, 'HGET', 'run', 'status')).toBe('deleted');
  expect(Number(await cli(run, 'PTTL', 'run'))).toBeGreaterThan(0);
});

test('S-2 a beginning that is no list of turns is refused before anything is written', async () => {
  const turn = { messageId: 'm', role: 'user', text: 'words' };
  for (const change of [{ messageId: 7 }, { role: 7 }, { messageId: null }, { role: null }]) {
    const prompt = promptOf();
    await expect(log.beginRun({ ...prompt, seed: [{ ...turn, ...change }] as never })).rejects.toThrow();
    expect(await redis.cli('KEYS', `*${prompt.conversationId}*`)).toEqual([]);
  }
});

test('B17 a thread that is here up to its first question is asked of nobody, though the conversation was longer once', async () => {
  const run = await wholeRun(log);
  await cli(run, 'HSET', 'meta', 'trimmed', '1');
  const prompt = promptOf({ conversationId: run.conversationId, thread: 'ask' });
  expect(await log.beginRun(prompt)).toMatchObject({ outcome: 'started' });
});

test('W-7 a log of changes without a word of an answer is bounded as well', async () => {
  const run = await wholeRun(log);
  for (let n = 0; n < 800; n++) await log.setTitle({ ...run, userId: USER, title: `title ${n}` });
  expect(Number(await cli(run, 'XLEN', 'log'))).toBeLessThan(512 + 200);
});

test('W-10 a log that began anew for a reader, in a store that went back, lives a day and no longer', async () => {
  const run = await wholeRun(log);
  const before = await snapshotOf(log, run.conversationId);
  await cli(run, 'HINCRBY', 'store', 'n', 1);
  const { logId } = await snapshotOf(log, run.conversationId);
  expect(logId).not.toBe(before.logId);
  expect(Number(await cli(run, 'PTTL', 'log'))).toBeGreaterThan(0);
  // What follows in this file is of the store as it was.
  await cli(run, 'HINCRBY', 'store', 'n', -1);
});

test('a message above 64 KiB is measured as it is stored: decoding it would stop the store for everybody', async () => {
  // 40,000 quotes are 10,000 tokens of text, and 20,000 as JSON has them.
  for (const [length, isCut] of [
    [40_000, true],
    [30_000, false],
  ] as const) {
    const { conversationId } = await wholeRun(log, { message: { messageId: newId(), text: '"'.repeat(length) } });
    const room = length / 4 + 2_000;
    await log.beginRun(promptOf({ conversationId, room }));
    const told = (await toldOf(conversationId, 'STREAM_STARTED')).at(-1);
    expect([length, Object.hasOwn(told as object, 'trimmed')]).toEqual([length, isCut]);
  }
});

test('whichever model answers where none was named is not what a conversation is answered by from then on', async () => {
  for (const [model, kept] of [
    ['default', null],
    ['count', 'count'],
  ] as const) {
    const prompt = promptOf({ model });
    await log.beginRun(prompt);
    expect([model, await cli(prompt, 'HGET', 'meta', 'model')]).toEqual([model, kept]);
  }
});
