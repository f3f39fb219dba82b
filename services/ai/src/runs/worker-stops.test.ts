import { waitFor } from '@runnel/kit';
import { sha256Hex } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import type { ChatProvider } from '../models/provider.ts';
import { createFaultyRunLog } from '../../testing/faulty-run-log.ts';
import { cancel, countTo, memoryRunLog, modelsOf, prompt, startPod } from '../../testing/pods.ts';
import { startViewer } from '../../testing/viewer.ts';

describe('P-4 a drain', () => {
  test('hands every run over at once, and others go on by the hint alone', async () => {
    const runLog = memoryRunLog();
    const a = await startPod('a', runLog);
    const viewers = await Promise.all(Array.from({ length: 10 }, (_, i) => startViewer(runLog, `c${i}`)));
    const runs = await Promise.all(viewers.map((_, i) => prompt(runLog, 'count 60 at 100', { conversationId: `c${i}` })));
    for (const run of runs) await a.take(run);
    await waitFor(() => viewers.every((viewer, i) => viewer.text(runs[i]!.runId).length > 50));
    await startPod('b', { ...runLog, findFreeRuns: async () => [] });
    await a.drain();
    expect(a.size).toBe(0);
    await waitFor(() => viewers.every((viewer) => viewer.of('run-moved').length === 1));
    for (const [i, viewer] of viewers.entries()) {
      await viewer.ended(runs[i]!.runId);
      expect(viewer.text(runs[i]!.runId)).toBe(countTo(60));
    }
  });

  test('whose question was deleted meanwhile: the text that stands ends `interrupted`, and no model is asked without its question', async () => {
    const runLog = memoryRunLog();
    const a = await startPod('a', runLog);
    const viewer = await startViewer(runLog, 'c');
    const run = await prompt(runLog, 'count 300 at 50');
    await a.take(run);
    await waitFor(() => viewer.text(run.runId).length > 50);
    const read = await runLog.readState({ conversationId: 'c' });
    const { messageId } = read.kind === 'snapshot' ? read.messages[0]! : { messageId: '' };
    expect(await runLog.deleteMessage({ conversationId: 'c', userId: 'user', messageId })).toMatchObject({ outcome: 'done' });
    let asked = 0;
    const other: ChatProvider = {
      canContinue: true,
      async *stream() {
        asked++;
        yield { text: 'something else' };
      },
    };
    await startPod('b', runLog, { models: modelsOf({ count: other }) });
    await a.drain();
    const end = await viewer.ended(run.runId);
    expect(end).toMatchObject({ reason: 'interrupted', bytes: viewer.text(run.runId).length });
    expect(countTo(300).startsWith(viewer.text(run.runId))).toBe(true);
    expect(asked).toBe(0);
  });

  test('as the only pod, ends what runs as interrupted, with its text', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', runLog, { alone: true });
    const run = await prompt(runLog, 'count 500 at 100');
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId).length > 50);
    await pod.drain();
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'interrupted', bytes: viewer.text(run.runId).length });
  });

  test('as the only pod, has no time for a model that cannot continue beyond its window', async () => {
    const runLog = memoryRunLog();
    const endless: ChatProvider = {
      canContinue: false,
      async *stream(_request, signal) {
        yield { text: 'begun' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    };
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', runLog, { alone: true, drainMs: 50, models: modelsOf({ endless }) });
    const run = await prompt(runLog, 'hello', { model: 'endless' });
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId) === 'begun');
    await pod.drain();
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'interrupted', bytes: 5 });
  });

  test('lets a model that cannot continue finish, if it is quick', async () => {
    const runLog = memoryRunLog();
    const finish = Promise.withResolvers<void>();
    const slow: ChatProvider = {
      canContinue: false,
      async *stream() {
        yield { text: 'begun' };
        await finish.promise;
        yield { text: ' done' };
      },
    };
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', runLog, { models: modelsOf({ slow }) });
    const run = await prompt(runLog, 'hello', { model: 'slow' });
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId) === 'begun');
    const drained = pod.drain();
    finish.resolve();
    await drained;
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete', bytes: 10 });
    expect(viewer.of('run-moved')).toHaveLength(0);
  });

  test('ends in time also when the store is away', async () => {
    const runLog = createFaultyRunLog(memoryRunLog());
    const pod = await startPod('a', runLog, { drainMs: 100 });
    const run = await prompt(runLog, 'count 100 at 100');
    await pod.take(run);
    runLog.fault = 'down';
    const startedAt = performance.now();
    await pod.drain();
    expect(performance.now() - startedAt).toBeLessThan(2500);
  });
});

describe('P-5 cancel', () => {
  test.each([
    ['before the first token', 'count 10 hang 0', 0],
    ['between tokens', 'count 10 at 1000 hang 3', 23],
    ['while it streams', 'count 5000 at 1000', 100],
  ])('%s: ends by the hint alone, what was written stays, with usage', async (_phase, text, bytes) => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    // With this lease no renewal would tell.
    const pod = await startPod('a', runLog, { leaseMs: 60_000 });
    const run = await prompt(runLog, text);
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId).length >= bytes);
    expect(await cancel(runLog, run)).toEqual({ outcome: 'cancelling', owned: true });
    const frozen = viewer.text(run.runId);
    const end = await viewer.ended(run.runId);
    expect(end).toMatchObject({ reason: 'cancelled', bytes: frozen.length, usage: { completionTokens: Math.ceil(frozen.length / 4) } });
    expect(end.cancel).toBeDefined();
  });

  test('before anybody had claimed it, also of a model that nobody has', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const run = await prompt(runLog, 'hello', { model: 'nowhere' });
    expect(await cancel(runLog, run)).toEqual({ outcome: 'cancelling', owned: false });
    await startPod('a', runLog);
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'cancelled', bytes: 0 });
  });

  test('also when the hint was lost: the next append says so', async () => {
    const runLog = memoryRunLog();
    const deaf = createFaultyRunLog({ ...runLog, onWork: async () => ({ close: async () => undefined }) });
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', deaf, { leaseMs: 60_000 });
    const run = await prompt(runLog, 'count 5000 at 100');
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId).length > 0);
    await cancel(runLog, run);
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'cancelled' });
  });

  test('a hint without a cancel in the store changes nothing', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', runLog);
    const run = await prompt(runLog, 'count 50 at 500');
    await pod.take(run);
    expect(await pod.check(run.runId)).toBe(true);
    expect(await pod.check('other')).toBe(false);
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
  });

  test('of a run that another has ended already, the owner writes nothing', async () => {
    const runLog = memoryRunLog();
    const deaf = createFaultyRunLog({ ...runLog, onWork: async () => ({ close: async () => undefined }) });
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', deaf);
    const run = await prompt(runLog, 'count 10 at 1000 hang 3');
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId) === countTo(3));
    // Made before the cancel: a renewal that came between it and the end would tell the owner, who then ends the run first.
    const standing = { bytes: 23, sha256: await sha256Hex(countTo(3)) };
    await cancel(runLog, run);
    expect(await runLog.endRun({ ...run, epoch: null, reason: 'cancelled', ...standing })).toMatchObject({ outcome: 'ended' });
    await waitFor(() => pod.size === 0);
    await viewer.ended(run.runId);
  });
});
