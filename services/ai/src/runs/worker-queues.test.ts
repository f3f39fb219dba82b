import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { expect, test } from 'vitest';
import type { ChatProvider } from '../models/provider.ts';
import { memoryRunLog, modelsOf, prompt, startPod } from '../../testing/pods.ts';
import { startViewer } from '../../testing/viewer.ts';

/** Writes a word and goes on only when it is told. */
const patient = () => {
  const gate = Promise.withResolvers<void>();
  const provider: ChatProvider = {
    canContinue: true,
    async *stream(_request, signal) {
      yield { text: 'word ' };
      await Promise.race([gate.promise, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
    },
  };
  return { provider, finish: () => gate.resolve() };
};

/** A half answer whose owner is dead. */
const halfAnswer = async (runLog: RunLog, conversationId: string, model = 'count') => {
  const run = await prompt(runLog, 'count 3', { conversationId, model });
  const claim = await runLog.claimRun({ ...run, owner: 'dead', leaseMs: 0, models: { [model]: true } });
  expect(claim.outcome).toBe('claimed');
  return run;
};

const waiting = async (pod: { metricsText(): Promise<string> }): Promise<string> => {
  const text = await pod.metricsText();
  return ['half', 'fresh'].map((kind) => new RegExp(`runnel_ai_waiting_runs\\{kind="${kind}"[^}]*\\} (\\d+)`).exec(text)?.[1]).join(' ');
};

test('B7 half answers move within the sweep, behind 200 prompts of a model that is gone and others that wait', async () => {
  const runLog = memoryRunLog();
  for (let i = 0; i < 200; i++) await prompt(runLog, 'hello', { conversationId: `gone${i}`, model: 'gone' });
  const viewers = await Promise.all([0, 1, 2, 3].map((i) => startViewer(runLog, `half${i}`)));
  for (let i = 0; i < 4; i++) await halfAnswer(runLog, `half${i}`);
  for (let i = 0; i < 50; i++) await prompt(runLog, 'count 3', { conversationId: `new${i}` });
  await startPod('a', runLog, { maxRuns: 6 });
  await waitFor(() => viewers.every((viewer) => viewer.of('run-moved').length === 1), { deadlineMs: 2_000 });
});

test('B7 a full pod keeps its next place for a half answer, and not for a prompt that is offered', async () => {
  const runLog = memoryRunLog();
  const { provider, finish } = patient();
  const pod = await startPod('a', runLog, { maxRuns: 1, models: modelsOf({ count: provider }) });
  expect((await pod.take(await prompt(runLog, 'x', { conversationId: 'first' }))).outcome).toBe('claimed');
  const viewer = await startViewer(runLog, 'half');
  const half = await halfAnswer(runLog, 'half');
  const offered = await prompt(runLog, 'x', { conversationId: 'new' });
  let refused = 0;
  const seen = new Set<string>();
  // Offers come all the time; the first that is taken after the place is free would be one of these.
  const offering = waitFor(
    async () => {
      const { outcome } = await pod.take(offered);
      if (outcome === 'full') refused++;
      seen.add(await waiting(pod));
      if (refused === 200) finish();
      return viewer.of('run-moved').some(({ runId }) => runId === half.runId);
    },
    { deadlineMs: 5_000, everyMs: 5 },
  );
  await offering;
  expect(seen).toContain('1 0');
  const state = await runLog.readState({ conversationId: 'new' });
  expect(state).toMatchObject({ kind: 'snapshot' });
});

test('B7 a prompt that no pod can take ends failed with model-unknown, half answers too', async () => {
  const runLog = memoryRunLog();
  const viewers = [await startViewer(runLog, 'fresh'), await startViewer(runLog, 'half')];
  const fresh = await prompt(runLog, 'hello', { conversationId: 'fresh', model: 'gone' });
  const half = await halfAnswer(runLog, 'half', 'gone');
  const pod = await startPod('a', runLog, { orphanMs: 100 });
  expect(await viewers[0]!.ended(fresh.runId)).toMatchObject({ reason: 'failed', error: { code: 'model-unknown' } });
  expect(await viewers[1]!.ended(half.runId)).toMatchObject({ reason: 'failed', error: { code: 'model-unknown' } });
  await waitFor(() => pod.size === 0);
  expect(await pod.metricsText()).toMatch(/runnel_ai_unanswerable_total\{why="model-unknown"[^}]*\} 2/);
});

test('B7 while a pod has the model, full or not, nobody ends what waits for it', async () => {
  const runLog = memoryRunLog();
  const { provider, finish } = patient();
  const full = await startPod('full', runLog, { maxRuns: 1, models: modelsOf({ rare: provider }), orphanMs: 60_000 });
  await full.take(await prompt(runLog, 'x', { conversationId: 'first', model: 'rare' }));
  const viewer = await startViewer(runLog, 'second');
  const waiting = await prompt(runLog, 'x', { conversationId: 'second', model: 'rare' });
  let looks = 0;
  const watched: RunLog = {
    ...runLog,
    findFreeRuns: async (...args) => {
      const found = await runLog.findFreeRuns(...args);
      if (args[1]?.orphanMs) looks++;
      return found;
    },
  };
  await startPod('other', watched, {
    orphanMs: 10_000,
    clock: {
      now: () => performance.now() * 100_000,
      wall: Date.now,
      sleep: (_ms, signal) => new Promise((resolve) => (signal?.aborted ? resolve() : setTimeout(resolve, 5))),
    },
  });
  await waitFor(() => looks > 20);
  finish();
  expect(await viewer.ended(waiting.runId)).toMatchObject({ reason: 'complete' });
});

test('B16 one runId in two conversations at the same time, in one pod', async () => {
  const runLog = memoryRunLog();
  const { provider, finish } = patient();
  const pod = await startPod('a', runLog, { models: modelsOf({ slow: provider, count: patient().provider }) });
  const both = [
    { conversationId: 'ann', model: 'slow' },
    { conversationId: 'bob', model: 'count' },
  ];
  const viewers = await Promise.all(both.map(({ conversationId }) => startViewer(runLog, conversationId)));
  for (const { conversationId, model } of both) {
    const message = { messageId: 'm', text: 'x' };
    await runLog.beginRun({ conversationId, userId: 'user', runId: 'same', model, message, title: 't' });
    expect(await pod.take({ conversationId, runId: 'same' })).toEqual({ outcome: 'claimed', epoch: 1 });
  }
  await waitFor(() => viewers.every((viewer) => viewer.text('same') === 'word '));
  // A cancel of one stops that one.
  await runLog.cancelRun({ conversationId: 'bob', runId: 'same', userId: 'user' });
  expect(await pod.check('same', 'bob')).toBe(true);
  expect(await viewers[1]!.ended('same')).toMatchObject({ reason: 'cancelled' });
  expect(pod.size).toBe(1);
  finish();
  expect(await viewers[0]!.ended('same')).toMatchObject({ reason: 'complete' });
});

test('S-2 a run that has gone from owner to owner ends failed, once, with its text', async () => {
  const runLog = createMemoryRunLog();
  const run = await prompt(runLog, 'count 3');
  for (let i = 0; i < 9; i++) await runLog.claimRun({ ...run, owner: `dead${i}`, leaseMs: 0, models: { count: true } });
  const viewer = await startViewer(runLog, 'c', { lossy: true });
  const pods = [await startPod('a', runLog), await startPod('b', runLog)];
  await waitFor(() => viewer.of('run-ended').length > 0);
  expect(viewer.of('run-ended')).toMatchObject([{ reason: 'failed', error: { code: 'internal' } }]);
  await waitFor(() => pods.every(({ size }) => size === 0));
  const counted = await Promise.all(pods.map((pod) => pod.metricsText()));
  const tried = counted.map((text) => /runnel_ai_unanswerable_total\{why="tried"[^}]*\} (\d+)/.exec(text)?.[1]);
  expect(tried.toSorted()).toEqual(['0', '1']);
  const moves = runLog.outbox.read(1_000).filter(({ fields }) => fields.type === 'RECOVERY_ATTEMPT').length;
  expect(moves).toBeLessThanOrEqual(10);
});
