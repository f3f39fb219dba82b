import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import type { WorkHint } from '../../src/run-log/run-log.ts';
import { runKey, type RunRef } from '../../src/run-ref.ts';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  SHORT_LEASE_MS,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

/** Longer than any machine keeps a test waiting: when these are over, the test has moved the clock. */
const LONG_MS = 600_000;
const DOUBT_MS = 200_000;

export const leasesContract = (current: Current): void => {
  const isFree = async ({ conversationId, runId }: RunRef): Promise<boolean> =>
    (await current().log.findFreeRuns(10_000)).some((run) => run.conversationId === conversationId && run.runId === runId);

  const untilFree = (run: RunRef): Promise<void> => waitFor(() => isFree(run), { what: 'run is free' });

  test('P-5 from the cancel flag on, the text is frozen', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'ab');
    expect(await log.cancelRun({ ...run, userId: USER })).toEqual({ outcome: 'cancelling', owned: true });
    expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'cancelled' });
    // The owner whose answer was lost must learn that its text stands.
    expect(await append(log, run, 0, 'ab')).toEqual({ outcome: 'duplicate' });
    expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('ab');
    expect(await log.endRun(endOf(run, 'ab', { reason: 'cancelled' }))).toMatchObject({ outcome: 'ended' });
    const ended = (await eventsOf(log, run.conversationId)).at(-1);
    expect(ended).toMatchObject({
      type: 'run-ended',
      reason: 'cancelled',
      cancel: { requestedAt: expect.any(Number), stoppedAt: expect.any(Number) },
    });
    expect(await log.cancelRun({ ...run, userId: USER })).toEqual({ outcome: 'already-ended' });
  });

  test('P-5 a gateway ends a cancelled run that nobody owns', async () => {
    const { log } = current();
    const prompt = promptOf();
    const { conversationId, runId } = prompt;
    await log.beginRun(prompt);
    expect(await log.cancelRun({ conversationId, runId, userId: USER })).toEqual({ outcome: 'cancelling', owned: false });
    expect(await log.endRun(endOf({ conversationId, runId, epoch: 1 }, '', { epoch: null, reason: 'cancelled' }))).toMatchObject({
      outcome: 'ended',
    });
    expect(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS })).toEqual({ outcome: 'gone' });
    expect(await isFree(prompt)).toBe(false);
  });

  test('P-5 a gateway ends a cancelled run whose owner is deaf; the owner then finds it closed', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'ab');
    await log.cancelRun({ ...run, userId: USER });
    expect(await log.endRun(endOf(run, 'ab', { epoch: null, reason: 'cancelled' }))).toMatchObject({ outcome: 'ended' });
    expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'closed' });
    expect(await log.endRun(endOf(run, 'ab', { reason: 'cancelled' }))).toEqual({ outcome: 'closed' });
    expect(await log.renewLeases(OWNER, LEASE_MS, [run])).toEqual(new Map([[runKey(run), 'closed']]));
  });

  test('P-5 a frozen text stays frozen for whoever takes the run over', async () => {
    const { log, other } = current();
    const run = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    await append(log, run, 0, 'ab');
    await log.cancelRun({ ...run, userId: USER });
    await untilFree(run);
    const heir = claimed(await other.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    expect(heir).toMatchObject({ epoch: 2, text: 'ab', cancelled: { by: USER } });
    expect(await append(other, { ...run, epoch: 2 }, 2, 'c')).toEqual({ outcome: 'cancelled' });
    expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'fenced' });
    expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('ab');
  });

  test('P-5 what was answered `cancelling` ends cancelled, also when the model finished or failed in that moment', async () => {
    const { log } = current();
    const error = { code: 'model-failed' as const, message: 'It broke.' };
    for (const end of [{ reason: 'complete' as const }, { reason: 'failed' as const, error }]) {
      const run = await startRun(log);
      await append(log, run, 0, 'ab');
      expect(await log.cancelRun({ ...run, userId: USER })).toMatchObject({ outcome: 'cancelling' });
      expect(await log.endRun(endOf(run, 'ab', end))).toMatchObject({ outcome: 'ended' });
      const ended = (await eventsOf(log, run.conversationId)).at(-1);
      expect(ended).toMatchObject({ type: 'run-ended', reason: 'cancelled', bytes: 2, cancel: { stoppedAt: expect.any(Number) } });
      expect(ended).not.toHaveProperty('error');
      expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject({ text: 'ab', status: 'cancelled' });
    }
  });

  test('a cancel that comes twice keeps its first time; one for nothing is gone', async () => {
    const { log } = current();
    const prompt = promptOf({ model: 'nobody has this model' });
    const { conversationId, runId } = prompt;
    await log.beginRun(prompt);
    await log.cancelRun({ conversationId, runId, userId: USER });
    await log.cancelRun({ conversationId, runId, userId: USER });
    const { cancelled } = claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    expect(cancelled).toEqual({ by: USER, requestedAt: expect.any(Number) });
    await log.endRun(endOf({ conversationId, runId, epoch: 1 }, '', { reason: 'cancelled' }));
    expect((await eventsOf(log, conversationId)).at(-1)).toMatchObject({ cancel: { requestedAt: cancelled!.requestedAt } });
    expect(await log.cancelRun({ conversationId, runId: newId(), userId: USER })).toEqual({ outcome: 'gone' });
    expect(await log.cancelRun({ conversationId: newId(), runId, userId: USER })).toEqual({ outcome: 'gone' });
  });

  test('P-3 after a take-over the earlier owner cannot write one byte', async () => {
    const { log } = current();
    const zombie = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    await append(log, zombie, 0, 'ab');
    await untilFree(zombie);
    // Expiry only permits a take-over: until then the owner may still write.
    expect(await append(log, zombie, 2, 'c')).toMatchObject({ outcome: 'appended' });
    await waitFor(
      async () => (await log.claimRun({ ...zombie, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).outcome === 'claimed',
    );
    const before = await snapshotOf(log, zombie.conversationId);
    expect(await append(log, zombie, 3, 'd')).toEqual({ outcome: 'fenced' });
    expect(await append(log, zombie, 0, 'abc')).toEqual({ outcome: 'fenced' });
    expect(await log.endRun(endOf(zombie, 'abc'))).toEqual({ outcome: 'fenced' });
    expect(await log.releaseRun(zombie)).toBe('fenced');
    expect(await log.renewLeases(OWNER, LEASE_MS, [zombie])).toEqual(new Map([[runKey(zombie), 'fenced']]));
    expect(await snapshotOf(log, zombie.conversationId)).toEqual(before);
    expect(await append(log, { ...zombie, epoch: 2 }, 3, 'd')).toMatchObject({ outcome: 'appended' });
  });

  test('renewing keeps a run from being taken, also when the lease had expired', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    await untilFree(run);
    expect(await log.renewLeases(OWNER, LEASE_MS, [run])).toEqual(new Map([[runKey(run), 'renewed']]));
    expect(await isFree(run)).toBe(false);
    expect(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).toMatchObject({ outcome: 'owned' });
  });

  test('P-4 a doubted owner that is gone keeps its runs for the time it was given; each is named once', async () => {
    const { log, other, jump } = current();
    const owner = `pod-d.${newId().slice(0, 8)}`;
    const runs = await Promise.all(Array.from({ length: 5 }, () => startRun(log, {}, { owner, leaseMs: LONG_MS })));
    const bystander = await startRun(log, {}, { leaseMs: LONG_MS });
    const ended = await startRun(log, {}, { owner });
    await log.endRun(endOf(ended, ''));
    const refs = (found: readonly RunRef[]): string[] => found.map(runKey).toSorted();
    expect(refs(await other.doubtOwner(owner, DOUBT_MS))).toEqual(refs(runs));
    expect(await log.doubtOwner(owner, DOUBT_MS)).toEqual([]);
    expect(await log.doubtOwner('nobody.1', 1_000)).toEqual([]);
    expect(await other.claimRun({ ...runs[0]!, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).toMatchObject({ outcome: 'owned' });
    for (const run of runs) expect(await isFree(run)).toBe(false);
    await jump(DOUBT_MS, runs);
    for (const run of runs) expect(await isFree(run)).toBe(true);
    expect(await isFree(bystander)).toBe(false);
    expect(await isFree(ended)).toBe(false);
    expect(claimed(await other.claimRun({ ...runs[0]!, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).epoch).toBe(2);
  });

  test('P-4 a doubted owner that lives renews and keeps its runs; a doubt never makes a lease longer', async () => {
    const { log } = current();
    const owner = `pod-d.${newId().slice(0, 8)}`;
    const [alive, silent] = [await startRun(log, {}, { owner }), await startRun(log, {}, { owner, leaseMs: SHORT_LEASE_MS })];
    expect((await log.doubtOwner(owner, 1_000)).map(runKey)).toEqual([runKey(alive)]);
    expect(await log.renewLeases(owner, LEASE_MS, [alive])).toEqual(new Map([[runKey(alive), 'renewed']]));
    await untilFree(silent);
    expect(await log.claimRun({ ...alive, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).toMatchObject({ outcome: 'owned' });
    expect(await append(log, alive, 0, 'ab')).toMatchObject({ outcome: 'appended' });
  });

  test('renewing many runs answers for each', async () => {
    const { log } = current();
    const running = await startRun(log);
    const cancelled = await startRun(log);
    const ended = await wholeRun(log);
    const unknown = { conversationId: newId(), runId: newId(), epoch: 1 };
    await log.cancelRun({ ...cancelled, userId: USER });
    const more = await Promise.all(Array.from({ length: 12 }, () => startRun(log)));
    const outcomes = await log.renewLeases(OWNER, LEASE_MS, [running, cancelled, ended, unknown, ...more]);
    expect([running, cancelled, ended, unknown].map((one) => outcomes.get(runKey(one)))).toEqual([
      'renewed',
      'cancelled',
      'closed',
      'gone',
    ]);
    expect(more.every((one) => outcomes.get(runKey(one)) === 'renewed')).toBe(true);
    expect(await log.renewLeases(OWNER, LEASE_MS, [])).toEqual(new Map());
    expect(await log.renewLeases('pod-b.1', LEASE_MS, [running])).toEqual(new Map([[runKey(running), 'fenced']]));
  });

  test('a released run is free at once, the others are woken, and its last owner cannot write', async () => {
    const { log, other } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'ab');
    const hints: WorkHint[] = [];
    const work = await other.onWork((hint) => hints.push(hint));
    const { conversationId, runId } = run;
    expect(await log.releaseRun(run)).toBe('released');
    expect(await log.releaseRun(run)).toBe('fenced');
    expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'fenced' });
    expect(await log.renewLeases(OWNER, LEASE_MS, [run])).toEqual(new Map([[runKey(run), 'fenced']]));
    await waitFor(() => hints.some((hint) => hint.kind === 'free' && hint.runId === runId));
    expect(await isFree(run)).toBe(true);
    expect(claimed(await log.claimRun({ conversationId, runId, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }))).toMatchObject({
      epoch: 2,
      text: 'ab',
    });
    await log.cancelRun({ conversationId, runId, userId: USER });
    await waitFor(() => hints.some((hint) => hint.kind === 'cancel' && hint.runId === runId));
    await work.close();
    expect(await log.releaseRun({ conversationId, runId: newId(), epoch: 1 })).toBe('gone');
  });

  test('B7 a released run is found once, also when the lease it had is over', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    expect(await log.releaseRun(run)).toBe('released');
    await untilFree(await startRun(log, {}, { leaseMs: SHORT_LEASE_MS }));
    expect((await log.findFreeRuns(10_000)).filter(({ runId }) => runId === run.runId)).toHaveLength(1);
  });

  test('releasing a run that has ended is closed', async () => {
    const { log } = current();
    expect(await log.releaseRun(await wholeRun(log))).toBe('closed');
  });

  test('find-free-runs finds what was never claimed, at most as many as asked', async () => {
    const { log } = current();
    const prompts = [promptOf(), promptOf(), promptOf()];
    for (const prompt of prompts) await log.beginRun(prompt);
    for (const prompt of prompts) expect(await isFree(prompt)).toBe(true);
    expect((await log.findFreeRuns(2)).length).toBe(2);
    const { conversationId, runId } = prompts[0]!;
    await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS });
    expect(await isFree(prompts[0]!)).toBe(false);
  });
};
