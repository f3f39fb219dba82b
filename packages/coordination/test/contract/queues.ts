import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { MOST_TRIES } from '../../src/messages.ts';
import { runKey } from '../../src/run-ref.ts';
import { waitFor } from '../../testing/wait.ts';
import {
  append,
  claimed,
  endOf,
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

export const queuesContract = (current: Current): void => {
  /** What other tests left for whoever comes (cancelled runs) is held from now on. */
  const hush = async (models: Record<string, boolean>) => {
    for (const { conversationId, runId } of await current().log.findFreeRuns(10_000, { models }))
      await current().log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: 600_000, models });
  };
  /** A model of this test's own: what others left waiting is not found with it. */
  const mine = () => ({ [newId()]: true });
  const begin = (model: string, userId = USER) => {
    const prompt = promptOf({ model, userId });
    return current()
      .log.beginRun(prompt)
      .then(() => ({ conversationId: prompt.conversationId, runId: prompt.runId }));
  };

  test('B7 half answers come before new prompts, and what a pod cannot take hides nothing from it', async () => {
    const { log } = current();
    const models = mine();
    const model = Object.keys(models)[0]!;
    await hush(models);
    const gone = newId();
    for (let i = 0; i < 200; i++) await begin(gone);
    for (let i = 0; i < 8; i++) await begin(model);
    const halves = [];
    for (let i = 0; i < 4; i++) halves.push(await startRun(log, { model }, { models, leaseMs: SHORT_LEASE_MS }));
    const released = await startRun(log, { model }, { models });
    await log.releaseRun(released);
    const wanted = [...halves, released].map(({ runId }) => runId).toSorted();
    await waitFor(async () => (await log.findFreeRuns(64, { models })).filter(({ half }) => half).length === 5);
    // However few places there are, they are for these.
    const found = await log.findFreeRuns(5, { models });
    expect(found.map(({ runId }) => runId).toSorted()).toEqual(wanted);
    expect(found.every(({ half }) => half)).toBe(true);
    expect((await log.findFreeRuns(64, { models })).length).toBe(13);
    // Expired leases of a model that is gone hide none of its own either.
    expect((await log.findFreeRuns(1_000_000)).length).toBeGreaterThanOrEqual(213);
  });

  test('B7 a run of which somebody asks while its lease has run out is found once, as one whose owner fell silent', async () => {
    const { log } = current();
    const models = mine();
    const { conversationId, runId } = await startRun(log, { model: Object.keys(models)[0]! }, { models, leaseMs: SHORT_LEASE_MS });
    await waitFor(async () => (await log.findFreeRuns(64, { models })).length > 0);
    for (let i = 0; i < 2; i++) expect(await log.beginRun(promptOf({ conversationId }))).toMatchObject({ outcome: 'busy', runId });
    expect(await log.findFreeRuns(64, { models })).toEqual([{ conversationId, runId, half: true }]);
    expect(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models })).toMatchObject({ doubt: 'stale' });
  });

  test('B7 places go round the persons', async () => {
    const { log } = current();
    const models = mine();
    const model = Object.keys(models)[0]!;
    await hush(models);
    for (let i = 0; i < 20; i++) await begin(model, 'greedy');
    const modest = [await begin(model, 'ann'), await begin(model, 'bob')].map(({ runId }) => runId);
    const found = (await log.findFreeRuns(3, { models })).map(({ runId }) => runId);
    expect(found).toEqual(expect.arrayContaining(modest));
  });

  test('B7 every run has its turn behind many that wait in its shard', async () => {
    const { log } = current();
    const models = mine();
    const conversationId = newId();
    await hush(models);
    // All in one shard would take long to make; what is told apart is the model, so a full window of others stands before it.
    const others = [];
    for (let i = 0; i < 150; i++) others.push((await begin(newId())).runId);
    const last = promptOf({ conversationId, model: Object.keys(models)[0]! });
    await log.beginRun(last);
    const seen = new Set<string>();
    for (let turn = 0; turn < 8; turn++) for (const run of await log.findFreeRuns(4, { models, turn })) seen.add(run.runId);
    expect(seen).toContain(last.runId);
    expect(others.filter((runId) => seen.has(runId))).toEqual([]);
  });

  test('B7 a run whose model no pod was seen with is told as such, once the time is over', async () => {
    const { log } = current();
    const models = mine();
    const here = mine();
    const gone = Object.keys(models)[0]!;
    const run = await begin(gone);
    const find = async (orphanMs: number) =>
      (await log.findFreeRuns(1_000, { models: here, orphanMs })).find(({ runId }) => runId === run.runId);
    expect(await find(0)).toBeUndefined();
    expect(await find(60_000)).toBeUndefined();
    await waitFor(async () => (await find(1)) !== undefined);
    expect(await find(1)).toEqual({ ...run, orphan: gone });
    await log.findFreeRuns(1, { models, announce: true });
    expect(await find(60_000)).toBeUndefined();
    // Whoever claims it for its model ends it.
    const claim = claimed(await log.claimRun({ ...run, owner: OWNER, leaseMs: LEASE_MS, models: { ...here, [gone]: true } }));
    await log.endRun(endOf({ ...run, epoch: claim.epoch }, '', { reason: 'failed', error: { code: 'model-unknown', message: 'm' } }));
    expect((await snapshotOf(log, run.conversationId)).run).toBeNull();
  });

  test('B7 a run that waits is told its place, which falls as others are taken; one that a pod has is told nothing', async () => {
    const { log } = current();
    const models = mine();
    const model = Object.keys(models)[0]!;
    const runs: Awaited<ReturnType<typeof begin>>[] = [];
    for (let i = 0; i < 3; i++) {
      runs.push(await begin(model));
      const at = Date.now();
      await waitFor(() => Date.now() > at + 1);
    }
    const places = async (): Promise<(number | undefined)[]> => {
      const found = await log.placesInLine(runs);
      return runs.map((run) => found.get(runKey(run)));
    };
    const [first] = await places();
    expect(first).toBeGreaterThan(0);
    expect(await places()).toEqual([first, first! + 1, first! + 2]);
    await log.claimRun({ ...runs[0]!, owner: OWNER, leaseMs: LEASE_MS, models });
    expect(await places()).toEqual([undefined, first, first! + 1]);
    expect((await log.placesInLine([{ conversationId: newId(), runId: newId() }])).size).toBe(0);
  });

  test('B7 a cancelled run is found by a pod without its model', async () => {
    const { log } = current();
    const run = await begin(newId());
    const models = mine();
    const isFound = async () => (await log.findFreeRuns(1_000, { models })).some(({ runId }) => runId === run.runId);
    expect(await isFound()).toBe(false);
    await log.cancelRun({ ...run, userId: USER });
    expect(await isFound()).toBe(true);
  });

  test.each([-1, 1])('B12 a lease ends when the clock jumps (%i x 5 minutes), and a live owner keeps the run by renewing', async (way) => {
    const { log, jump } = current();
    const dead = await startRun(log);
    const alive = await startRun(log);
    await append(log, dead, 0, 'ab');
    await jump(way * 300_000, [dead, alive]);
    expect((await log.renewLeases(OWNER, LEASE_MS, [alive])).size).toBe(1);
    const found = (await log.findFreeRuns(1_000_000)).map(({ runId }) => runId);
    expect(found).toContain(dead.runId);
    expect(found).not.toContain(alive.runId);
    expect(await log.claimRun({ ...alive, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).toMatchObject({ outcome: 'owned' });
    expect(await log.cancelRun({ ...dead, userId: USER })).toEqual({ outcome: 'cancelling', owned: false });
    expect(claimed(await log.claimRun({ ...dead, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }))).toMatchObject({
      epoch: 2,
      text: 'ab',
    });
  });

  test('B12 a clock that is set by a little, or a heir with shorter leases, takes nobody’s run', async () => {
    const { log, jump } = current();
    const run = await startRun(log, {}, { leaseMs: 60_000 });
    await jump(-500, [run]);
    expect(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: 100, models: MODELS })).toMatchObject({ outcome: 'owned' });
    expect((await log.findFreeRuns(1_000_000)).map(({ runId }) => runId)).not.toContain(run.runId);
  });

  test('B16 one runId in two conversations: each has its own outcome', async () => {
    const { log } = current();
    const runId = newId();
    const one = await startRun(log, { runId });
    const two = await startRun(log, { runId });
    const ended = await wholeRun(log, { runId });
    await log.cancelRun({ ...two, userId: USER });
    const outcomes = await log.renewLeases(OWNER, LEASE_MS, [one, two, ended]);
    expect([one, two, ended].map(({ conversationId }) => outcomes.get(`${conversationId}:${runId}`))).toEqual([
      'renewed',
      'cancelled',
      'closed',
    ]);
  });

  test('S-2 a run that goes round is told as such; one that is handed on is not', async () => {
    const { log } = current();
    const prompt = promptOf();
    await log.beginRun(prompt);
    const { conversationId, runId } = prompt;
    const claim = async (leaseMs: number) => claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs, models: MODELS }));
    for (let i = 0; i < 12; i++) {
      const { epoch, spoilt } = await claim(LEASE_MS);
      expect([i, spoilt]).toEqual([i, undefined]);
      expect(await log.releaseRun({ conversationId, runId, epoch })).toBe('released');
    }
    for (let i = 1; i < MOST_TRIES; i++) expect([i, (await claim(0)).spoilt]).toEqual([i, undefined]);
    expect((await claim(0)).spoilt).toBe('tried');
  });
};
