import { waitFor } from '@runnel/kit';
import { RunnelError, sha256Hex } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import type { ChatProvider } from './models/provider.ts';
import { createFaultyRunLog } from './testing/faulty-run-log.ts';
import { memoryRunLog, modelsOf, prompt, startPod } from './testing/pods.ts';
import { startViewer } from './testing/viewer.ts';

const countTo = (words: number): string => Array.from({ length: words }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');
const cancel = (runLog: ReturnType<typeof memoryRunLog>, run: { conversationId: string; runId: string }) =>
  runLog.cancelRun({ ...run, userId: 'user' });

test('P-1 a run that is offered is written whole, with its digest and usage', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const pod = await startPod('a', runLog);
  const run = await prompt(runLog, 'count 300 at 5000');
  expect(await pod.take(run)).toEqual({ outcome: 'claimed', epoch: 1 });
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete', usage: { promptTokens: 4, completionTokens: 300 } });
  expect(viewer.text(run.runId)).toBe(countTo(300));
  await waitFor(() => pod.size === 0);
  expect(await pod.metricsText()).toMatch(/runnel_ai_run_end_total\{reason="complete",model="count",service="ai"\} 1/);
});

test('P-2 a run that is offered to many is written by one', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const pods = await Promise.all(['a', 'b', 'c'].map((name) => startPod(name, runLog)));
  const run = await prompt(runLog, 'count 50 at 1000');
  const outcomes = await Promise.all([...pods, ...pods].map((pod) => pod.take(run).then(({ outcome }) => outcome)));
  expect(outcomes.toSorted()).toEqual(['claimed', 'owned', 'owned', 'owned', 'owned', 'owned']);
  await viewer.ended(run.runId);
  expect(await pods[0]!.take(run)).toEqual({ outcome: 'gone' });
});

test('a run nobody was told of is found by the sweep', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const run = await prompt(runLog, 'count 5');
  await startPod('a', runLog);
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
});

describe('what a pod refuses', () => {
  test('more than MAX_RUNS, and takes the rest when it is free again', async () => {
    const runLog = memoryRunLog();
    const pod = await startPod('a', runLog, { maxRuns: 1 });
    const viewer = await startViewer(runLog, 'second');
    const first = await prompt(runLog, 'count 20 at 100', { conversationId: 'first' });
    const second = await prompt(runLog, 'count 3', { conversationId: 'second' });
    const outcomes = await Promise.all([pod.take(first), pod.take(second)]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['claimed', 'full']);
    await viewer.ended(second.runId);
  });

  test('models it does not have, runs it does not know, and everything while it drains', async () => {
    const runLog = memoryRunLog();
    const pod = await startPod('a', runLog);
    expect(await pod.take(await prompt(runLog, 'hello', { model: 'other' }))).toEqual({ outcome: 'unsuited' });
    expect(await pod.take({ conversationId: 'c', runId: 'never' })).toEqual({ outcome: 'gone' });
    await pod.drain();
    expect(await pod.take({ conversationId: 'c', runId: 'never' })).toEqual({ outcome: 'draining' });
  });
});

test('P-4 a dead pod’s run goes on elsewhere from its last byte', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const dying = createFaultyRunLog(runLog);
  const a = await startPod('a', dying);
  const run = await prompt(runLog, 'count 200 at 100');
  await a.take(run);
  await waitFor(() => viewer.text(run.runId).length > 100);
  const b = await startPod('b', runLog);
  dying.fault = 'down';
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
  expect(viewer.of('run-moved')).toMatchObject([{ epoch: 2, restarted: false }]);
  expect(viewer.text(run.runId)).toBe(countTo(200));
  expect(await b.metricsText()).toMatch(/runnel_ai_takeovers_total\{service="ai"\} 1/);
  dying.fault = 'none';
});

test('P-3 a pod that was frozen for longer than its lease cannot write one byte', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const frozen = createFaultyRunLog(runLog);
  const zombie = await startPod('zombie', frozen);
  const run = await prompt(runLog, 'count 100 at 100');
  await zombie.take(run);
  await waitFor(() => viewer.text(run.runId).length > 50);
  frozen.fault = 'frozen';
  await startPod('heir', runLog);
  await waitFor(() => viewer.of('run-moved').length > 0);
  frozen.fault = 'none';
  await waitFor(() => zombie.size === 0);
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
  expect(viewer.text(run.runId)).toBe(countTo(100));
  expect(frozen.calls).not.toContain('endRun');
});

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

describe('P-10 the store is away', () => {
  test('for longer than the lease: the owner goes on from memory when it is back, and nobody takes its run', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const [mine, theirs] = [createFaultyRunLog(runLog), createFaultyRunLog(runLog)];
    const a = await startPod('a', mine, { leaseMs: 600 });
    const b = await startPod('b', theirs, { leaseMs: 600 });
    // The other pod has a run of its own to renew, so it notices the return soonest.
    const other = await prompt(runLog, 'count 1 hang 0', { conversationId: 'other' });
    await b.take(other);
    const run = await prompt(runLog, 'count 150 at 100');
    await a.take(run);
    await waitFor(() => viewer.text(run.runId).length > 50);
    mine.fault = theirs.fault = 'down';
    const standing = viewer.text(run.runId).length;
    const awayUntil = performance.now() + 1000;
    await waitFor(() => performance.now() > awayUntil);
    expect(viewer.text(run.runId)).toHaveLength(standing);
    mine.fault = theirs.fault = 'none';
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
    expect(viewer.text(run.runId)).toBe(countTo(150));
    expect(viewer.of('run-moved')).toHaveLength(0);
  });

  test('at the end of the run: the end is written when it is back', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const faulty = createFaultyRunLog(runLog);
    const pod = await startPod('a', faulty, { leaseMs: 60_000 });
    const run = await prompt(runLog, 'count 20 at 200');
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId).length > 20);
    faulty.fault = 'down';
    await waitFor(() => faulty.calls.filter((call) => call === 'appendChunk').length > 8);
    faulty.fault = 'none';
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
  });

  test('answers that are lost on the way make nothing twice', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const faulty = createFaultyRunLog(runLog);
    const pod = await startPod('a', faulty, { leaseMs: 60_000 });
    const run = await prompt(runLog, 'count 40 at 100');
    await pod.take(run);
    await waitFor(() => viewer.text(run.runId).length > 20);
    faulty.fault = 'lost-answers';
    await waitFor(() => viewer.of('run-ended').length > 0 || faulty.calls.filter((call) => call === 'appendChunk').length > 10);
    faulty.fault = 'none';
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete' });
    expect(viewer.text(run.runId)).toBe(countTo(40));
    await waitFor(() => pod.size === 0);
  });
});

describe('L-6 the store has lost everything', () => {
  test.each([
    ['while it streams', 'count 60 at 100', 100],
    ['while the model is silent', 'count 60 at 1000 hang 20', countTo(20).length],
  ])('%s: the run is written again under a new log', async (_when, text, bytes) => {
    const faulty = createFaultyRunLog(memoryRunLog());
    const before = await startViewer(faulty.inner, 'c');
    const pod = await startPod('a', faulty);
    const run = await prompt(faulty, text);
    await pod.take(run);
    await waitFor(() => before.text(run.runId).length >= bytes);
    const fresh = memoryRunLog();
    faulty.inner = fresh;
    const state = await waitFor(async () => {
      const read = await fresh.readState({ conversationId: 'c' });
      return read.kind === 'snapshot' ? read : null;
    });
    expect(state.run?.text).toBe(countTo(60).slice(0, state.run!.text.length));
    expect(state.run!.text.length).toBeGreaterThanOrEqual(bytes);
    expect(state.messages).toMatchObject([{ role: 'user', text }]);
    if (text.includes('hang')) await cancel(fresh, run);
    const ended = await waitFor(async () => {
      const read = await fresh.readState({ conversationId: 'c' });
      return read.kind === 'snapshot' ? read.messages.find(({ messageId }) => messageId === run.runId) : null;
    });
    expect(ended).toMatchObject(
      text.includes('hang') ? { status: 'cancelled', text: countTo(20) } : { status: 'complete', text: countTo(60) },
    );
    expect(await pod.metricsText()).toMatch(/runnel_ai_restores_total\{outcome="restored",service="ai"\} 1/);
  });
});

describe('a model that fails', () => {
  test('keeps its partial text', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const pod = await startPod('a', runLog);
    const run = await prompt(runLog, 'count 10 at 1000 fail 3');
    await pod.take(run);
    expect(await viewer.ended(run.runId)).toMatchObject({
      reason: 'failed',
      bytes: 23,
      error: { code: 'model-failed' },
      usage: { completionTokens: 6 },
    });
    expect(viewer.state.messages.at(-1)).toMatchObject({ text: countTo(3), status: 'failed' });
  });

  test('with something unexpected, does not tell it', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const odd: ChatProvider = {
      canContinue: true,
      stream() {
        throw new TypeError('private words');
      },
    };
    const pod = await startPod('a', runLog, { models: modelsOf({ odd }) });
    const run = await prompt(runLog, 'hello', { model: 'odd' });
    await pod.take(run);
    const { error } = await viewer.ended(run.runId);
    expect(error).toEqual({ code: 'model-failed', message: new RunnelError('model-failed').message });
  });

  test('by never stopping, is stopped', async () => {
    const runLog = memoryRunLog();
    const viewer = await startViewer(runLog, 'c');
    const endless: ChatProvider = {
      canContinue: true,
      async *stream() {
        for (;;) yield { text: 'x'.repeat(512 * 1024) };
      },
    };
    const pod = await startPod('a', runLog, { models: modelsOf({ endless }), leaseMs: 60_000 });
    const run = await prompt(runLog, 'hello', { model: 'endless' });
    await pod.take(run);
    expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'failed', bytes: 8 * 1024 * 1024 });
  });
});
