import type { RunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { createFaultyRunLog } from '../../testing/faulty-run-log.ts';
import { cancel, memoryRunLog, prompt, startPod } from '../../testing/pods.ts';
import { startViewer } from '../../testing/viewer.ts';
import { createModelRegistry } from '../models/registry.ts';

const limitedTo = (maxConcurrentRuns: number) =>
  createModelRegistry([
    { id: 'count', provider: 'count', maxConcurrentRuns },
    { id: 'demo', provider: 'demo' },
  ]);

test('however many pods and prompts there are, no more answers of a model are written than its limit, and all are in the end', async () => {
  const runLog = memoryRunLog();
  const pods = await Promise.all(['a', 'b', 'c'].map((name) => startPod(name, runLog, { models: limitedTo(2) })));
  const names = Array.from({ length: 8 }, (_, i) => `c${i}`);
  const viewers = await Promise.all(names.map((name) => startViewer(runLog, name)));
  const all = await Promise.all(names.map((conversationId) => prompt(runLog, 'count 30 at 300', { conversationId })));
  const offered = await Promise.all(all.flatMap((run) => pods.map((pod) => pod.take(run))));
  expect(offered.filter(({ outcome }) => outcome === 'claimed')).toHaveLength(2);
  let most = 0;
  const watching = setInterval(
    () =>
      (most = Math.max(
        most,
        pods.reduce((sum, pod) => sum + pod.size, 0),
      )),
    2,
  );
  const ends = await Promise.all(all.map(({ runId }, i) => viewers[i]!.ended(runId, 20_000)));
  clearInterval(watching);
  expect(ends.map(({ reason }) => reason)).toEqual(names.map(() => 'complete'));
  expect(most).toBeLessThanOrEqual(2);
}, 30_000);

test('a model that is full hides no other, and what waits for it can be cancelled', async () => {
  const runLog = memoryRunLog();
  const pod = await startPod('a', runLog, { models: limitedTo(1) });
  const viewers = { waits: await startViewer(runLog, 'waits'), other: await startViewer(runLog, 'other') };
  await pod.take(await prompt(runLog, 'count 2000 at 100', { conversationId: 'long' }));
  const waits = await prompt(runLog, 'count 3', { conversationId: 'waits' });
  expect(await pod.take(waits)).toEqual({ outcome: 'unsuited' });
  const other = await prompt(runLog, 'count 3', { conversationId: 'other', model: 'demo' });
  expect(await viewers.other.ended(other.runId)).toMatchObject({ reason: 'complete' });
  await cancel(runLog, waits);
  expect(await viewers.waits.ended(waits.runId)).toMatchObject({ reason: 'cancelled' });
});

test('P-4 an answer of a dead pod keeps its place for whoever goes on with it, before what is new', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const dying = createFaultyRunLog(runLog);
  const a = await startPod('a', dying, { models: limitedTo(1) });
  const run = await prompt(runLog, 'count 100 at 100');
  await a.take(run);
  await waitFor(() => viewer.text(run.runId).length > 50);
  await startPod('b', runLog, { models: limitedTo(1) });
  const later = await startViewer(runLog, 'later');
  const next = await prompt(runLog, 'count 3', { conversationId: 'later' });
  dying.fault = 'down';
  const order: string[] = [];
  const ends = [
    viewer.ended(run.runId).then(({ reason }) => order.push(`first ${reason}`)),
    later.ended(next.runId).then(({ reason }) => order.push(`new ${reason}`)),
  ];
  await Promise.all(ends);
  expect(order).toEqual(['first complete', 'new complete']);
  dying.fault = 'none';
});

/** Each model's places are in a slot of their own: what becomes of asking for those of `count`. */
const withPlaces = (runLog: RunLog, ask: () => Promise<ReadonlySet<string>> | undefined): RunLog => ({
  ...runLog,
  keepPlaces: (command) => (command.model === 'count' && ask()) || runLog.keepPlaces(command),
});

test('P-10 a model whose slot of the store is away keeps no run of another from being claimed, and is claimed again when it is back', async () => {
  let isAway = true;
  const runLog = memoryRunLog();
  const failing = withPlaces(runLog, () => (isAway ? Promise.reject(new RunnelError('unavailable')) : undefined));
  const viewers = { count: await startViewer(runLog, 'count'), demo: await startViewer(runLog, 'demo') };
  const pod = await startPod('a', failing, { models: limitedTo(1) });
  const waits = await prompt(runLog, 'count 3', { conversationId: 'count' });
  expect(await pod.take(waits)).toEqual({ outcome: 'unsuited' });
  const other = await prompt(runLog, 'count 3', { conversationId: 'demo', model: 'demo' });
  expect(await pod.take(other)).toEqual({ outcome: 'claimed', epoch: 1 });
  expect(await viewers.demo.ended(other.runId)).toMatchObject({ reason: 'complete' });
  isAway = false;
  expect(await viewers.count.ended(waits.runId)).toMatchObject({ reason: 'complete' });
});

test('P-3 a slot that hangs takes no lease: the answer stays with its pod', async () => {
  let hangs = false;
  const runLog = memoryRunLog();
  const hanging = withPlaces(runLog, () => (hangs ? new Promise(() => {}) : undefined));
  const viewer = await startViewer(runLog, 'c');
  const pod = await startPod('a', hanging, { models: limitedTo(1) });
  await startPod('b', runLog, { models: limitedTo(1) });
  const run = await prompt(runLog, 'count 200 at 100');
  await pod.take(run);
  hangs = true;
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
  expect(viewer.of('run-moved')).toEqual([]);
});
