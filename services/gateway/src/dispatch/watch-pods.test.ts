import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunRef, WorkHint } from '@runnel/coordination';
import { createInnerToken, createMetrics, silentLog } from '@runnel/kit';
import { afterEach, expect, test, vi } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { aliveOf, watchPods } from './watch-pods.ts';

const TOKEN = 'a-token-of-the-test';
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A pod that a test plays: what it answers, and the connections that are held to it. */
const startPod = async (status = 200, text = '{"owner":"ai-1.ab","keepMs":30}\n') => {
  const held = new Set<ServerResponse>();
  const state = { asked: 0, tokens: new Set<string | undefined>() };
  const server = createServer((request, response) => {
    state.asked++;
    state.tokens.add(request.headers.authorization);
    response.writeHead(status);
    if (status !== 200) return void response.end();
    response.write(text);
    held.add(response);
    response.on('close', () => held.delete(response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held, state };
};

const startWatch = (urls: readonly string[], runs: readonly RunRef[] = []) => {
  const doubtOwner = vi.fn(async (_owner: string, _keepMs: number) => [...runs]);
  const told: { at: number; runId: string }[] = [];
  const publishWork = async (hint: WorkHint): Promise<void> =>
    void ('runId' in hint && told.push({ at: performance.now(), runId: hint.runId }));
  const registry = createMetrics('gateway', { processMetrics: false });
  const metrics = gatewayMetrics(registry);
  const pods = { list: () => urls.map((url) => ({ url }) as never) };
  const watching = watchPods({
    pods,
    token: createInnerToken({ given: TOKEN }),
    runLog: { doubtOwner, publishWork },
    metrics,
    log: silentLog,
  });
  ends.push(watching.close);
  const count = async (outcome: string): Promise<number> =>
    Number(new RegExp(`lost_pods_total\\{[^}]*outcome="${outcome}"[^}]*\\} (\\d+)`).exec(await registry.text())?.[1] ?? Number.NaN);
  return { doubtOwner, told, count, watching };
};

test('P-4 a connection that ends cuts the leases of its pod, and tells of its runs when these are over', async () => {
  const pod = await startPod();
  const runs = [1, 2].map((n) => ({ conversationId: `c${n}`, runId: `r${n}` }));
  const { doubtOwner, told, count } = startWatch([pod.url], runs);
  await expect.poll(() => pod.held.size).toBe(1);
  expect(pod.state.tokens).toEqual(new Set([`Bearer ${TOKEN}`]));
  expect(doubtOwner).not.toHaveBeenCalled();
  const cutAt = performance.now();
  for (const response of pod.held) response.destroy();
  await expect.poll(() => told.length).toBe(2);
  expect(doubtOwner).toHaveBeenCalledExactlyOnceWith('ai-1.ab', 30);
  expect(told.map(({ runId }) => runId)).toEqual(['r1', 'r2']);
  expect(Math.min(...told.map(({ at }) => at)) - cutAt).toBeGreaterThanOrEqual(29);
  expect(await count('cut')).toBe(1);
  // It is held again: what comes back may go again.
  await expect.poll(() => pod.held.size).toBe(1);
});

test('a pod without runs is no loss, and one that is left for good is held no more', async () => {
  const pod = await startPod();
  const { count, watching } = startWatch([pod.url]);
  await expect.poll(() => pod.held.size).toBe(1);
  for (const response of pod.held) response.end();
  await expect.poll(() => count('nothing')).toBe(1);
  await expect.poll(() => pod.held.size).toBe(1);
  watching.close();
  await expect.poll(() => pod.held.size).toBe(0);
});

test.each([
  ['of an earlier release', 404, ''],
  ['that says nothing of the kind', 200, 'hello'],
])('a pod %s is doubted by nobody', async (_name, status, text) => {
  const pod = await startPod(status, text);
  const { doubtOwner } = startWatch([pod.url]);
  await expect.poll(() => pod.state.asked).toBeGreaterThan(0);
  for (const response of pod.held) response.destroy();
  await expect.poll(() => pod.state.asked, { timeout: 5_000 }).toBeGreaterThan(1);
  expect(doubtOwner).not.toHaveBeenCalled();
});

test.each([
  ['{"owner":"a.1","keepMs":1000}\n', { owner: 'a.1', keepMs: 1000 }],
  ['{"owner":"a.1","keepMs":1000,"more":true}', { owner: 'a.1', keepMs: 1000 }],
  ['', null],
  ['null', null],
  ['{"owner":"","keepMs":1000}', null],
  ['{"owner":"a.1","keepMs":0}', null],
  ['{"owner":"a.1","keepMs":"1000"}', null],
  ['{"owner":7,"keepMs":1000}', null],
])('%j says %j', (text, alive) => {
  expect(aliveOf(text)).toEqual(alive);
});
