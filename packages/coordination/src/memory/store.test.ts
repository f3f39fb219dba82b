import { expect, test } from 'vitest';
import { append, endOf, promptOf, startRun, USER, wholeRun } from '../../test/contract/world.ts';
import { LIMITS, MEMORY_LIMITS } from '../limits.ts';
import { createMemoryRunLog } from './run-log.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A memory log whose clock stands until it is moved. */
const open = () => {
  let time = 1_700_000_000_000;
  const log = createMemoryRunLog({ now: () => time, outboxCap: 10 });
  return { log, pass: (ms: number) => (time += ms) };
};

test('a lease runs out by the clock it is given', async () => {
  const { log, pass } = open();
  const { conversationId, runId } = await startRun(log, {}, { leaseMs: 3_000 });
  const claim = { conversationId, runId, owner: 'pod-b', leaseMs: 3_000, models: { count: true } };
  pass(2_999);
  expect(await log.claimRun(claim)).toMatchObject({ outcome: 'owned' });
  expect(await log.findFreeRuns(1)).toEqual([]);
  pass(1);
  expect(await log.findFreeRuns(1)).toEqual([{ conversationId, runId }]);
  expect(await log.claimRun(claim)).toMatchObject({ outcome: 'claimed', epoch: 2 });
});

test('an ended run is known for five minutes, a conversation for a day after its last change', async () => {
  const { log, pass } = open();
  const run = await wholeRun(log);
  pass(5 * MINUTE_MS - 1);
  await log.beginRun(promptOf());
  expect(await append(log, run, 0, 'x')).toEqual({ outcome: 'closed' });
  pass(1);
  await log.beginRun(promptOf());
  expect(await append(log, run, 0, 'x')).toEqual({ outcome: 'gone' });
  await log.setTitle({ conversationId: run.conversationId, userId: USER, title: 'kept' });
  pass(DAY_MS - 1);
  await log.beginRun(promptOf());
  expect(await log.readState({ conversationId: run.conversationId })).toMatchObject({ kind: 'snapshot' });
  pass(1);
  await log.beginRun(promptOf());
  expect(await log.readState({ conversationId: run.conversationId })).toEqual({ kind: 'none' });
});

test('the number of conversations, the log of each and the outbox are bounded', async () => {
  const { log } = open();
  const first = await wholeRun(log);
  for (let n = 0; n < MEMORY_LIMITS.conversations + 1; n++) {
    const prompt = promptOf();
    await log.beginRun(prompt);
    await log.cancelRun({ ...prompt, userId: USER });
    await log.endRun(endOf({ ...prompt, epoch: 0 }, '', { epoch: null, reason: 'cancelled' }));
  }
  expect(await log.readState({ conversationId: first.conversationId })).toEqual({ kind: 'none' });
  expect(log.outbox.read(1_000).length).toBe(20);
  const long = await startRun(log);
  for (let at = 0; at < LIMITS.logEvents * 2; at++) await append(log, long, at, 'x');
  const state = await log.readState({ conversationId: long.conversationId });
  expect(state).toMatchObject({ kind: 'snapshot', offset: LIMITS.logEvents * 2 + 3 });
});

test('W-7 a minute after the last change nobody is handed events any more, but the whole', async () => {
  const { log, pass } = open();
  const { conversationId } = await wholeRun(log);
  const { logId, offset } = (await log.readState({ conversationId })) as { logId: string; offset: number };
  const after = (missed: number) => log.readState({ conversationId, cursor: { logId, offset: offset - missed } });
  pass(MINUTE_MS - 1);
  expect(await after(2)).toMatchObject({ kind: 'tail' });
  pass(1);
  expect(await after(2)).toMatchObject({ kind: 'snapshot' });
  expect(await after(0)).toMatchObject({ kind: 'tail', entries: [] });
});
