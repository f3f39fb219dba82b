import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { append, endOf, startRun } from './contract/world.ts';
import { outboxKey, shardCount, shardOf } from '../src/redis/keys.ts';
import { waitFor } from '../testing/index.ts';
import { useRedisLog } from './use-redis-log.ts';

const { redis, log } = await useRedisLog();
// A name of more than 20 bytes would be hidden.
await redis.cli('CONFIG', 'SET', 'rdbcompression', 'no');

/** Everything Redis keeps, as it goes to the disk. */
const dump = async (): Promise<string> => {
  await redis.cli('SAVE');
  const setting = async (name: string): Promise<string> => ((await redis.cli('CONFIG', 'GET', name)) as string[])[1]!;
  return readFile(join(await setting('dir'), await setting('dbfilename')), 'latin1');
};
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

test('S-17 after an erasure the dump of Redis has the person in no form: a running answer, an ended one, what was counted, the list', async () => {
  const userId = 'lan.anh+né@example.org';
  const [running, ended] = [await startRun(log, { userId }), await startRun(log, { userId })];
  await append(log, running, 0, 'half ');
  await append(log, ended, 0, 'whole');
  await log.endRun(endOf(ended, 'whole'));
  await log.cancelRun({ conversationId: running.conversationId, runId: running.runId, userId });
  await log.reserveRun({ userId, conversationId: running.conversationId, runId: running.runId, limit: 9 });
  await log.spendBytes(userId, 10, 1_000);
  await log.holdShare({ userId, kind: 'sockets', holder: 'g', wanted: 1, limit: 1, holders: ['g'] });
  const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');
  const forms = [
    ...[
      latin1(userId),
      encodeURIComponent(userId),
      Buffer.from(userId).toString('base64'),
      Buffer.from(userId).toString('hex'),
      sha1(userId),
    ],
    ...[running, ended].map(({ conversationId }) => sha1(`${conversationId}:${userId}`)),
  ];
  const found = async (): Promise<string[]> => {
    const text = await dump();
    return forms.filter((form) => text.includes(form));
  };
  await waitFor(async () => (await log.listConversations({ userId, limit: 9 })).conversations.length === 2);
  expect(await found()).toEqual([...forms.slice(0, 2), ...forms.slice(-2)]);

  for (const { conversationId } of [running, ended])
    expect((await log.deleteConversation({ conversationId, userId, forget: true, deletedBy: 'root' })).outcome).toBe('done');
  await log.forgetPerson(userId);
  // Delivered, as a relay does it. One time in 64 both are in one shard.
  for (const key of new Set([running, ended].map(({ conversationId }) => outboxKey(shardOf(conversationId))))) {
    const entries = (await redis.cli('XRANGE', key, '-', '+')) as [string, string[]][];
    const last = entries.map(([, fields]) => JSON.parse(fields[fields.indexOf('data') + 1]!) as object).at(-1);
    expect(last).toEqual({ userId, deletedBy: 'root', erased: true });
    await redis.cli('XDEL', key, ...entries.map(([id]) => id));
  }
  await waitFor(async () => (await found()).length === 0);
});

test('a person’s own deletion says that it is theirs', async () => {
  const run = await startRun(log, { userId: 'bob' });
  await log.deleteConversation({ conversationId: run.conversationId, userId: 'bob' });
  const [, fields] = (
    (await redis.cli('XREVRANGE', outboxKey(shardOf(run.conversationId)), '+', '-', 'COUNT', 1)) as [string, string[]][]
  )[0]!;
  expect(JSON.parse(fields[fields.indexOf('data') + 1]!)).toEqual({ userId: 'bob', deletedBy: 'bob' });
});

test('S-17 the audit is told what somebody sets for themselves as it is, and of its end only that it was erased', async () => {
  const userId = 'records-of-bob';
  const told = async (): Promise<unknown[]> => {
    const keys = Array.from({ length: shardCount() }, (_, shard) => outboxKey(shard));
    const rows = await Promise.all(keys.map((key) => redis.cli('XRANGE', key, '-', '+') as Promise<[string, string[]][]>));
    const data = rows.flat().map(([, fields]) => fields);
    return data.filter((fields) => fields.includes('RECORD_CHANGED')).map((fields) => JSON.parse(fields[fields.indexOf('data') + 1]!));
  };
  const of = { userId, kind: 'place', lasting: true } as const;
  await log.readRecords(of);
  await log.mergeRecords({ ...of, records: [] });
  expect(await log.putRecord({ ...of, name: 'c1', patch: { pinned: '1' } })).toMatchObject({ outcome: 'done' });
  const change = { userId, kind: 'place', version: expect.any(Number), name: 'c1' };
  expect(await told()).toEqual([{ ...change, text: '{"pinned":"1"}' }]);
  await log.forgetRecords(userId);
  expect((await told()).at(-1)).toEqual({ userId, kind: 'place', version: expect.any(Number), erased: true });
});
