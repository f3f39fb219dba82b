import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import type { ChatProvider } from '../models/provider.ts';
import { createFaultyRunLog } from '../../testing/faulty-run-log.ts';
import { cancel, countTo, memoryRunLog, modelsOf, prompt, startPod } from '../../testing/pods.ts';
import { startViewer } from '../../testing/viewer.ts';

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
});

test('S-5 what a model thinks, and what an answer that is gone on from left, is its person’s as well', async () => {
  const runLog = memoryRunLog();
  const thinks: ChatProvider = {
    canContinue: true,
    async *stream() {
      for (let i = 0; i < 100; i++) yield { reasoning: 'x'.repeat(100) };
      yield { text: 'y'.repeat(1_000) };
      yield { finish: 'length' };
    },
  };
  const viewer = await startViewer(runLog, 'c');
  const pod = await startPod('a', runLog, { models: modelsOf({ thinks }), leaseMs: 60_000 });
  const spent = async (): Promise<number> => {
    const result = await runLog.spendBytes('user', 1, 1_000_000);
    return result.outcome === 'spent' ? result.total : Number.NaN;
  };
  await spent();
  const first = await prompt(runLog, 'hello', { model: 'thinks' });
  await pod.take(first);
  await viewer.ended(first.runId);
  await waitFor(() => pod.size === 0);
  const asked = await spent();
  expect(asked).toBeGreaterThanOrEqual(11_000);
  expect(asked).toBeLessThan(16_000);
  const { conversationId, runId } = first;
  const state = await runLog.readState({ conversationId });
  const parentId = state.kind === 'snapshot' ? state.messages.at(-1)!.parentId : null;
  const again = { conversationId, userId: 'user', runId: 'again', model: 'thinks', message: null, parentId, continues: runId, title: '' };
  expect((await runLog.beginRun(again)).outcome).toBe('started');
  await pod.take({ conversationId, runId: 'again' });
  await viewer.ended('again');
  await waitFor(() => pod.size === 0);
  expect((await spent()) - asked).toBeGreaterThanOrEqual(12_000);
});

test('S-5 S-6 a model that never stops is stopped at MAX_ANSWER_BYTES: the answer is whole, and its person has used up as much of the day', async () => {
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
  const bytes = 8 * 1024 * 1024;
  // What the gateway charges for the prompt.
  await runLog.spendBytes('user', 5, bytes);
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'complete', finish: 'length', bytes });
  await waitFor(() => pod.size === 0);
  expect(await runLog.spendBytes('user', 1, bytes)).toMatchObject({ outcome: 'over' });
  expect(await pod.metricsText()).toMatch(/runnel_ai_finish_total\{finish="length",[^}]*\} 1/);
  expect(await pod.metricsText()).toMatch(/runnel_ai_cut_answers_total\{[^}]*\} 1/);
});
