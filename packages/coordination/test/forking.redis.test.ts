import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { branch } from './contract/forking.ts';
import { snapshotOf, USER } from './contract/world.ts';
import { keyName, outboxKey, shardOf, type KeyName } from '../src/redis/keys.ts';
import { createRedisRunLog } from '../src/redis/run-log.ts';
import { PATIENT_MS } from '../testing/patient.ts';
import { useRedisLog } from './use-redis-log.ts';

const { redis, log } = await useRedisLog();

const key = (name: KeyName, conversationId: string): string => keyName(name, { shard: shardOf(conversationId), conversationId, runId: '' });
const forkOf = (conversationId = newId()) => {
  const messages = branch();
  return { conversationId, userId: USER, title: 'T', from: { conversationId: 'source', messageId: messages.at(-1)!.messageId }, messages };
};
const typesOf = async (conversationId: string): Promise<string[]> => {
  const rows = (await redis.cli('XRANGE', outboxKey(shardOf(conversationId)), '-', '+')) as [string, string[]][];
  const fields = rows.map(([, row]) => Object.fromEntries(row.flatMap((name, i) => (i % 2 === 0 ? [[name, row[i + 1]!]] : []))));
  return fields.filter((row) => row['conversation'] === conversationId).map((row) => row['type']!);
};

test('what an eviction left is not forked over before the database has said whose it is; then nothing of it stays', async () => {
  const first = forkOf();
  const { conversationId } = first;
  await log.forkConversation(first);
  await redis.cli('DEL', key('meta', conversationId));
  const second = { ...forkOf(conversationId) };
  expect(await log.forkConversation({ ...second, making: 'unproven' })).toEqual({ outcome: 'none' });
  expect(await log.forkConversation(second)).toEqual({ outcome: 'forked' });
  const { messages } = await snapshotOf(log, conversationId);
  expect(messages.map(({ messageId }) => messageId)).toEqual(second.messages.map(({ messageId }) => messageId));
  const ids = (await redis.cli('HKEYS', key('ids', conversationId))) as string[];
  expect(ids.toSorted()).toEqual(second.messages.map(({ messageId }) => messageId).toSorted());
});

test('what a fork has of its own is what it was given, and the trail hears of no more', async () => {
  const [plain, own] = [forkOf(), { ...forkOf(), system: 'Be short.', model: 'story' }];
  for (const command of [plain, own]) expect(await log.forkConversation(command)).toEqual({ outcome: 'forked' });
  const presetOf = ({ conversationId }: { conversationId: string }) =>
    redis.cli('HMGET', key('meta', conversationId), 'system', 'model', 'preset');
  expect(await presetOf(own)).toEqual(['Be short.', 'story', '1']);
  expect(await presetOf(plain)).toEqual([null, null, null]);
  expect(await typesOf(own.conversationId)).toContain('PRESET_CHANGED');
  expect(await typesOf(plain.conversationId)).not.toContain('PRESET_CHANGED');
});

test('it is forgotten a day after its last change, as every conversation is', async () => {
  const { conversationId, ...command } = forkOf();
  await log.forkConversation({ conversationId, ...command });
  for (const name of ['meta', 'history', 'order', 'ids'] as const)
    expect(Number(await redis.cli('PTTL', key(name, conversationId))), name).toBeGreaterThan(23 * 3_600_000);
});

test('a full outbox refuses a fork where a relay reads it, and nothing is made', async () => {
  const first = forkOf();
  const entries = (await log.forkConversation(first)) && Number(await redis.cli('XLEN', outboxKey(shardOf(first.conversationId))));
  const full = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS, outboxCap: entries });
  try {
    // Another conversation of the same shard.
    let command = forkOf();
    while (shardOf(command.conversationId) !== shardOf(first.conversationId)) command = forkOf();
    await redis.cli('SET', keyName('relay', { shard: shardOf(first.conversationId), conversationId: '', runId: '' }), '1');
    expect(await full.forkConversation(command)).toEqual({ outcome: 'overloaded' });
    expect(await full.readState({ conversationId: command.conversationId })).toEqual({ kind: 'none' });
    await redis.cli('XDEL', outboxKey(shardOf(first.conversationId)), await newest(first.conversationId));
    expect(await full.forkConversation(command)).toEqual({ outcome: 'forked' });
  } finally {
    await full.close();
  }
});
const newest = async (conversationId: string): Promise<string> => {
  const [[id]] = (await redis.cli('XREVRANGE', outboxKey(shardOf(conversationId)), '+', '-', 'COUNT', '1')) as [[string, string[]]];
  return id;
};
