import { newId } from '@runnel/protocol';
import { fromOutbox, type OutboxFields } from '@runnel/protocol/audit';
import { expect, test } from 'vitest';
import { claimed, LEASE_MS, MODELS, OWNER, promptOf, snapshotOf, wholeRun, USER, type Started } from './contract/world.ts';
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
