import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { runKey, type RunRef } from '../../src/run-ref.ts';
import { claimed, LEASE_MS, promptOf, startRun, type Current } from './world.ts';
import type { RunLog } from '../../src/run-log/run-log.ts';

/** How many answers of a model are written at a time, over all pods. */
export const modelPlacesContract = (current: Current): void => {
  const refs = (count: number): RunRef[] => Array.from({ length: count }, () => ({ conversationId: newId(), runId: newId() }));
  const keep = (log: RunLog, model: string, take: RunRef[], drop: RunRef[] = [], leaseMs = 10_000) =>
    log.keepPlaces({ model, limit: 2, leaseMs, take, drop });

  test('whoever asks, never more runs of a model have a place than its limit; each keeps its own and gives it back', async () => {
    const { log, other } = current();
    const model = newId();
    const [a, b, c] = refs(3) as [RunRef, RunRef, RunRef];
    expect(await keep(log, model, [a])).toEqual(new Set([runKey(a)]));
    expect(await keep(other, model, [b, c])).toEqual(new Set([runKey(b)]));
    expect(await keep(log, model, [a, b, c])).toEqual(new Set([runKey(a), runKey(b)]));
    expect(await keep(other, newId(), [c])).toEqual(new Set([runKey(c)]));
    expect(await keep(other, model, [c], [a])).toEqual(new Set([runKey(c)]));
    expect(await keep(log, model, [a])).toEqual(new Set());
  });

  test('many at once get no more than there are', async () => {
    const { log, other } = current();
    const model = newId();
    const answers = await Promise.all(refs(20).map((ref, i) => keep(i % 2 ? log : other, model, [ref])));
    expect(answers.filter((kept) => kept.size === 1)).toHaveLength(2);
  });

  test('a place that nobody keeps is free after its lease', async () => {
    const { log } = current();
    const model = newId();
    const [a, b, c] = refs(3) as [RunRef, RunRef, RunRef];
    await keep(log, model, [a, b], [], 1);
    await expect.poll(async () => (await keep(log, model, [c])).size).toBe(1);
  });

  test('a claim that finds another owner says whose model the run has', async () => {
    const { log } = current();
    const run = await startRun(log, { model: 'story' });
    expect(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: {} })).toEqual({ outcome: 'owned', model: 'story' });
  });

  test('a model without a place hides no run of another, is seen with its pod, and what was cancelled is found', async () => {
    const { log } = current();
    const [full, free] = [`full-${newId()}`, `free-${newId()}`];
    const models = { [full]: true, [free]: true };
    const hidden = promptOf({ model: full });
    const shown = promptOf({ model: free });
    const cancelled = promptOf({ model: full });
    for (const prompt of [hidden, shown, cancelled]) await log.beginRun(prompt);
    await log.cancelRun({ ...cancelled, userId: cancelled.userId });
    const look = async (change: object): Promise<string[]> =>
      (await log.findFreeRuns(1_000, { models, ...change })).map(({ runId }) => runId);
    const found = await look({ full: [full], announce: true, orphanMs: 1 });
    expect(found).toEqual(expect.arrayContaining([shown.runId, cancelled.runId]));
    expect(found).not.toContain(hidden.runId);
    expect(await look({})).toContain(hidden.runId);
    expect(claimed(await log.claimRun({ ...hidden, owner: 'pod-a.1', leaseMs: LEASE_MS, models })).epoch).toBe(1);
  });
};
