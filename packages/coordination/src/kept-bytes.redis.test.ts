import { afterAll, beforeAll, expect, test } from 'vitest';
import { append, endOf, eventsOf, snapshotOf, startRun } from './contract/world.ts';
import { createRedisRunLog } from './run-log-redis.ts';
import type { RunLog } from './run-log.ts';
import { startRedis, type TestRedis } from './testing/index.ts';

let redis: TestRedis;
let log: RunLog;
beforeAll(async () => {
  redis = await startRedis();
  log = createRedisRunLog({ url: redis.url });
});
afterAll(async () => {
  await log.close();
  await redis.stop();
});

/** Bytes of all keys that name the conversation. */
const keptBytes = async (conversationId: string): Promise<number> => {
  const keys = (await redis.cli('KEYS', `*${conversationId}*`)) as string[];
  const sizes = await Promise.all(keys.map(async (key) => Number(await redis.cli('MEMORY', 'USAGE', key, 'SAMPLES', '0'))));
  return sizes.reduce((sum, size) => sum + size, 0);
};

test('an answer of 300 words that came one by one keeps less than 8 kB, and can be read and followed as before', async () => {
  const run = await startRun(log);
  const { conversationId } = run;
  let text = '';
  for (let i = 0; i < 300; i++) {
    const word = `word${i} `;
    await append(log, run, text.length, word);
    text += word;
  }
  const running = await keptBytes(conversationId);
  await log.endRun(endOf(run, text));
  expect(running).toBeGreaterThan(40_000);
  expect(await keptBytes(conversationId)).toBeLessThan(6_500);
  const { offset, logId, messages } = await snapshotOf(log, conversationId);
  expect(messages.at(-1)).toMatchObject({ text, status: 'complete' });
  // W-7: whoever saw all but the end gets the end; whoever missed words gets the whole.
  const after = (missed: number) => log.readState({ conversationId, cursor: { logId, offset: offset - missed } });
  expect(await after(0)).toMatchObject({ kind: 'tail', entries: [] });
  expect(await after(1)).toMatchObject({ kind: 'tail', entries: [{ offset }] });
  expect(await after(2)).toMatchObject({ kind: 'snapshot', offset });
});

test('a short answer keeps its events, for readers who come back', async () => {
  const run = await startRun(log);
  await append(log, run, 0, 'Hello');
  await log.endRun(endOf(run, 'Hello'));
  expect((await eventsOf(log, run.conversationId)).map(({ type }) => type)).toEqual([
    'message',
    'title',
    'run-started',
    'chunk',
    'run-ended',
  ]);
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
