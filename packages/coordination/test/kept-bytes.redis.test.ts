import { expect, test } from 'vitest';
import { append, endOf, promptOf, snapshotOf, startRun, USER } from './contract/world.ts';
import { keyName, shardOf } from '../src/redis/keys.ts';
import { waitFor } from '../testing/index.ts';
import { useRedisLog } from './use-redis-log.ts';

const { redis, log } = await useRedisLog();

/** Bytes of all keys that name the conversation. */
const keptBytes = async (conversationId: string): Promise<number> => {
  const keys = (await redis.cli('KEYS', `*${conversationId}*`)) as string[];
  const sizes = await Promise.all(keys.map(async (key) => Number(await redis.cli('MEMORY', 'USAGE', key, 'SAMPLES', '0'))));
  return sizes.reduce((sum, size) => sum + size, 0);
};

const logOf = (conversationId: string): string => keyName('log', { shard: shardOf(conversationId), conversationId, runId: '' });

test('a minute after its end an answer of 300 words that came one by one keeps less than 6.5 kB', async () => {
  const run = await startRun(log);
  const { conversationId } = run;
  let text = '';
  for (let i = 0; i < 300; i++) {
    const word = `word${i} `;
    await append(log, run, text.length, word);
    text += word;
  }
  expect(Number(await redis.cli('PTTL', logOf(conversationId)))).toBeGreaterThan(60_000);
  await log.endRun(endOf(run, text));
  const { offset, logId } = await snapshotOf(log, conversationId);
  const after = (missed: number) => log.readState({ conversationId, cursor: { logId, offset: offset - missed } });
  // W-7: whoever comes back within the minute is handed what was missed.
  expect(await after(200)).toMatchObject({ kind: 'tail', offset });
  await log.setTitle({ conversationId, userId: USER, title: 'Words' });
  expect(Number(await redis.cli('PTTL', logOf(conversationId)))).toBeLessThanOrEqual(60_000);
  await redis.cli('PEXPIRE', logOf(conversationId), '1');
  await waitFor(async () => (await redis.cli('EXISTS', logOf(conversationId))) === 0);
  expect(await keptBytes(conversationId)).toBeLessThan(6_500);
  const whole = await snapshotOf(log, conversationId);
  expect(whole.messages.at(-1)).toMatchObject({ text, status: 'complete' });
  const later = (missed: number) => log.readState({ conversationId, cursor: { logId, offset: whole.offset - missed } });
  expect(await later(0)).toMatchObject({ kind: 'tail', entries: [] });
  expect(await later(1)).toMatchObject({ kind: 'snapshot', offset: whole.offset });
  // The next question goes on in the same log.
  await log.beginRun(promptOf({ conversationId }));
  expect(Number(await redis.cli('PTTL', logOf(conversationId)))).toBeGreaterThan(60_000);
  expect(await later(0)).toMatchObject({ kind: 'tail', logId });
});

test('a running answer keeps no more of its log than a reader can be handed, in events and in bytes', async () => {
  const run = await startRun(log);
  const chunk = 'x'.repeat(100_000);
  for (let i = 0; i < 20; i++) await append(log, run, i * chunk.length, chunk);
  // Its text has 2 MB.
  expect(await keptBytes(run.conversationId)).toBeLessThan(20 * chunk.length * 1.6 + 700_000);
  const { offset, logId } = await snapshotOf(log, run.conversationId);
  expect(await log.readState({ conversationId: run.conversationId, cursor: { logId, offset: offset - 2 } })).toMatchObject({
    kind: 'tail',
  });
});

test('W-17 an answer that waits for a person keeps less than 5.5 kB, and everybody reads on in the same log', async () => {
  const run = await startRun(log);
  const { conversationId } = run;
  const { logId, offset: before } = await snapshotOf(log, conversationId);
  await append(log, run, 0, 'abc');
  const open = { partId: 'p0', index: 0, at: 3, kind: 'tool', state: 'input', name: 'act' } as const;
  const part = { ...open, state: 'waiting', input: '{"n":1}' } as const;
  await log.putPart({ ...run, part: open, from: null });
  await log.appendPartChunk({ ...run, partId: 'p0', field: 'input', at: 0, text: '{"n":1}', t: 5 });
  await log.putPart({ ...run, part, from: 'input' });
  expect(await log.parkRun({ ...run, partIds: ['p0'], bytes: 3 })).toMatchObject({ outcome: 'parked' });
  expect(await keptBytes(conversationId)).toBeLessThan(5_500);
  expect(Number(await redis.cli('PTTL', logOf(conversationId)))).toBeGreaterThan(30 * 24 * 3_600_000);
  const read = () => log.readState({ conversationId, cursor: { logId, offset: before } });
  expect(await read()).toMatchObject({ kind: 'tail', offset: before + 5 });
  const approved = { ...part, state: 'approved' } as const;
  await log.decidePart({ ...run, userId: USER, decision: 'approve', expected: part, part: approved });
  expect(await read()).toMatchObject({ kind: 'tail', offset: before + 6, logId });
});
