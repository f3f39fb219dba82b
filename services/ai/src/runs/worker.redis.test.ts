import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createRedisRunLog, type RunLog } from '@runnel/coordination';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { waitFor } from '@runnel/kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { prompt, startPod } from '../../testing/pods.ts';
import { startViewer } from '../../testing/viewer.ts';

/** Three programs from their sources at once, on a machine that has other things to do. */
const START_MS = 60_000;
const TEST_MS = 120_000;
const countTo = (words: number): string => Array.from({ length: words }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');

let redis: TestRedis;
let runLog: RunLog;
const pods: ChildProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
  runLog = createRedisRunLog({ url: redis.url });
});
afterEach(async () => {
  for (const pod of pods.splice(0)) await end(pod, 'SIGKILL');
});
afterAll(async () => {
  await runLog.close();
  await redis.stop();
});

/** A pod as it runs in production: a process of its own. */
const spawnPod = async (name: string): Promise<ChildProcess & { output(): string }> => {
  const env = { ...process.env, NODE_ID: name, REDIS_URL: redis.url, HOST: '127.0.0.1', PORT: '0', INTERNAL_PORT: '0', LEASE_MS: '1000' };
  const pod = spawn(process.execPath, [fileURLToPath(new URL('../main.ts', import.meta.url))], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  pods.push(pod);
  let output = '';
  for (const stream of [pod.stdout, pod.stderr]) stream.on('data', (data: Buffer) => (output += String(data)));
  await waitFor(() => output.includes('"service.started"'), { deadlineMs: START_MS, what: `${name} starts` });
  return Object.assign(pod, { output: () => output });
};
const end = async (pod: ChildProcess, signal: NodeJS.Signals): Promise<number | null> => {
  if (pod.exitCode === null && pod.signalCode === null) {
    const gone = once(pod, 'exit');
    pod.kill(signal);
    await gone;
  }
  return pod.exitCode;
};

test(
  'P-4 P-1 SIGKILL, then SIGTERM: the run goes on from its last byte each time, and a drained pod exits with 0',
  { timeout: TEST_MS },
  async () => {
    const conversationId = 'kill';
    const viewer = await startViewer(runLog, conversationId);
    const all = await Promise.all(['one', 'two', 'three'].map(spawnPod));
    const run = await prompt(runLog, 'count 600 at 100', { model: 'demo', conversationId });
    const claimer = (epoch: number) =>
      all.find((pod) =>
        // Its last line may be half.
        pod
          .output()
          .split('\n')
          .slice(0, -1)
          .filter((line) => line.includes('"run.claimed"'))
          .map((line) => JSON.parse(line) as { runId: string; epoch: number })
          .some((line) => line.runId === run.runId && line.epoch === epoch),
      );
    const grown = async (): Promise<void> => {
      const { length } = viewer.text(run.runId);
      await waitFor(() => viewer.text(run.runId).length > length + 100);
    };
    await grown();
    await end(claimer(1)!, 'SIGKILL');
    const second = await waitFor(() => claimer(2), { deadlineMs: 10_000 });
    await grown();
    expect(await end(second, 'SIGTERM')).toBe(0);
    expect(second.output()).toContain('"result":"released"');
    expect(await viewer.ended(run.runId, 20_000)).toMatchObject({ reason: 'complete' });
    expect(viewer.text(run.runId)).toBe(countTo(600));
    expect(viewer.of('run-moved').map(({ epoch, restarted }) => [epoch, restarted])).toEqual([
      [2, false],
      [3, false],
    ]);
  },
);

test('P-3 a pod that was stopped by SIGSTOP and wakes up behind its heir writes nothing', { timeout: TEST_MS }, async () => {
  const conversationId = 'zombie';
  const viewer = await startViewer(runLog, conversationId);
  const zombie = await spawnPod('zombie');
  const run = await prompt(runLog, 'count 400 at 100', { conversationId });
  await waitFor(() => viewer.text(run.runId).length > 100);
  zombie.kill('SIGSTOP');
  await spawnPod('heir');
  await waitFor(() => viewer.of('run-moved').length === 1, { deadlineMs: 10_000 });
  zombie.kill('SIGCONT');
  await waitFor(() => zombie.output().includes('"result":"fenced"'), { deadlineMs: 10_000 });
  await viewer.ended(run.runId, 20_000);
  expect(viewer.text(run.runId)).toBe(countTo(400));
});

test('P-5 a cancel reaches the owner by publish, and the end has the store’s times', async () => {
  const viewer = await startViewer(runLog, 'cancel');
  const pod = await startPod('here', runLog, { leaseMs: 60_000 });
  const run = await prompt(runLog, 'count 5000 at 100', { conversationId: 'cancel' });
  await pod.take(run);
  await waitFor(() => viewer.text(run.runId).length > 50);
  await runLog.cancelRun({ ...run, userId: 'user' });
  const end = await viewer.ended(run.runId);
  expect(end).toMatchObject({ reason: 'cancelled', bytes: viewer.text(run.runId).length });
  expect(end.cancel!.stoppedAt).toBeGreaterThanOrEqual(end.cancel!.requestedAt);
});

test('P-10 Redis does not answer for a while: the run goes on from memory', async () => {
  const viewer = await startViewer(runLog, 'pause', { lossy: true });
  const pod = await startPod('here', runLog, { leaseMs: 3000 });
  const run = await prompt(runLog, 'count 300 at 100', { conversationId: 'pause' });
  await pod.take(run);
  await waitFor(() => viewer.text(run.runId).length > 50);
  redis.pause();
  const until = performance.now() + 1500;
  await waitFor(() => performance.now() > until);
  redis.resume();
  await viewer.ended(run.runId, 15_000);
  expect(viewer.text(run.runId)).toBe(countTo(300));
  expect(viewer.of('run-moved')).toHaveLength(0);
});

test('L-6 Redis comes back empty: the owner writes the run again', async () => {
  const pod = await startPod('here', runLog, { leaseMs: 3000 });
  const run = await prompt(runLog, 'count 300 at 100', { conversationId: 'lost' });
  await pod.take(run);
  const text = async (): Promise<string> => {
    const state = await runLog.readState({ conversationId: 'lost' });
    if (state.kind !== 'snapshot') return '';
    return state.run?.text ?? state.messages.find(({ messageId }) => messageId === run.runId)?.text ?? '';
  };
  await waitFor(async () => (await text()).length > 50);
  await redis.restartEmpty();
  await waitFor(async () => (await text()) === countTo(300), { deadlineMs: 15_000, everyMs: 50 });
  await waitFor(() => pod.size === 0);
}, 60_000);
