import { createHealth, createMetrics, silentLog, type InnerDoor } from '@runnel/kit';
import { afterEach, expect, test } from 'vitest';
import { createAiApp, type AiApp } from './app.ts';
import { DEFAULT_MODELS } from './models/model-config.ts';
import { createFaultyRunLog } from '../testing/faulty-run-log.ts';
import { memoryRunLog, prompt } from '../testing/pods.ts';
import { startViewer } from '../testing/viewer.ts';

let ai: AiApp;
afterEach(() => ai.close());

const setUp = async (maxRuns = 10, door?: InnerDoor) => {
  const deaf = { ...memoryRunLog(), onWork: async () => ({ close: async () => undefined }) };
  const runLog = createFaultyRunLog(deaf);
  const health = createHealth();
  const metrics = createMetrics('ai', { processMetrics: false });
  // No hints, and a lease that is not renewed: nothing happens but what the test asks for.
  const config = { nodeId: 'a', models: DEFAULT_MODELS, maxRuns, leaseMs: 60_000, drainMs: 1000 };
  ai = await createAiApp({ config, log: silentLog, metrics, health, runLog, ...(door && { door }) });
  health.setReady();
  const post = (url: string, payload: object = {}) => ai.app.inject({ method: 'POST', url, payload });
  return { runLog, health, post };
};

test('POST /runs takes a run once: 202 with its epoch, then 409', async () => {
  const { runLog, post } = await setUp();
  const viewer = await startViewer(runLog, 'c');
  const run = await prompt(runLog, 'count 20 hang 0', { model: 'demo' });
  const first = await post('/runs', { ...run, trace: 'a gateway of 0.1.0 sends one' });
  expect([first.statusCode, first.json()]).toEqual([202, { outcome: 'claimed', epoch: 1 }]);
  const second = await post('/runs', run);
  expect([second.statusCode, second.json()]).toEqual([409, { outcome: 'owned' }]);
  await runLog.cancelRun({ ...run, userId: 'user' });
  await ai.worker.check(run.runId);
  await viewer.ended(run.runId);
  expect((await post('/runs', run)).json()).toEqual({ outcome: 'gone' });
});

test('POST /runs refuses: 422 a model it lacks, 429 full, 503 draining or without a store, 400 nonsense', async () => {
  const { runLog, post, health } = await setUp(1);
  expect((await post('/runs', await prompt(runLog, 'hi', { model: 'other', conversationId: 'a' }))).statusCode).toBe(422);
  expect((await post('/runs', await prompt(runLog, 'count 1 hang 0', { conversationId: 'b' }))).statusCode).toBe(202);
  expect((await post('/runs', await prompt(runLog, 'count 1', { conversationId: 'd' }))).statusCode).toBe(429);
  expect((await post('/runs', { conversationId: 'a b', runId: 'r' })).json()).toMatchObject({ code: 'bad-frame', retryable: false });
  expect((await post('/runs', {})).statusCode).toBe(400);
  await ai.drain();
  expect((await post('/runs', { conversationId: 'c', runId: 'r' })).statusCode).toBe(503);
  expect(await health.ready()).toMatchObject({ ok: false, reason: 'draining' });
});

test('P-10 with the store away POST /runs says unavailable', async () => {
  const { runLog, post } = await setUp();
  runLog.fault = 'down';
  const answer = await post('/runs', { conversationId: 'c', runId: 'r' });
  expect([answer.statusCode, answer.json()]).toMatchObject([503, { code: 'unavailable', retryable: true }]);
});

test('P-4 GET /alive says whose leases these are and stays open for as long as the process lives', async () => {
  await setUp(10, async () => undefined);
  const url = await ai.app.listen({ port: 0, host: '127.0.0.1' });
  const { body } = await fetch(new URL('/alive', url));
  const reading = body!.pipeThrough(new TextDecoderStream()).getReader();
  expect(JSON.parse((await reading.read()).value!)).toEqual({ owner: ai.worker.owner, keepMs: 20_000 });
  const end = reading.read().then(
    ({ done }) => done,
    () => true,
  );
  expect(await Promise.race([end, ai.app.inject('/models').then(() => 'open')])).toBe('open');
  await ai.close();
  expect(await end).toBe(true);
});

test('GET /models is the catalogue', async () => {
  await setUp();
  const { models } = (await ai.app.inject('/models')).json<{ models: object[] }>();
  expect(models).toMatchObject([
    { id: 'demo', name: 'Runnel demo', provider: 'demo', canContinue: true, default: true },
    { id: 'count', name: 'Counting words', provider: 'count', canContinue: true },
  ]);
});
