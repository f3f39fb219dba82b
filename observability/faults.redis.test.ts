import { startCluster, waitFor, type Cluster, type Pod } from '@runnel/e2e';
import { expect, onTestFinished, test } from 'vitest';
import { TestClient } from '../services/gateway/testing/ws-client.ts';

/** Generous: the machine may have other things to do. */
const SOON_MS = 30_000;
const LIMIT = { timeout: 120_000 };

const start = async (options: { proxied?: boolean }): Promise<Cluster> => {
  const cluster = await startCluster({ gateways: 1, ai: 2, ...options });
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
  });
  return cluster;
};

const ask = async (cluster: Cluster, id: string, text: string): Promise<void> => {
  const response = await fetch(`${cluster.gateways[0]!.url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId: `c-${id}`, messageId: `m-${id}`, model: 'count', text }),
  });
  expect(response.status).toBe(202);
};

const sum = async (pods: readonly Pod[], name: string): Promise<number> =>
  (await Promise.all(pods.map((pod) => pod.metric(name)))).reduce((total, value) => total + value, 0);

/** Appends so far, and those within a bound (seconds). */
const appends = async (pods: readonly Pod[], bound: string): Promise<{ all: number; within: number }> => {
  const texts = await Promise.all(pods.map(async (pod) => (await fetch(`${pod.internalUrl}/metrics`)).text()));
  const total = (pattern: RegExp): number =>
    texts.reduce((of, text) => of + [...text.matchAll(pattern)].reduce((n, [, value]) => n + Number(value), 0), 0);
  return {
    all: total(/^runnel_ai_append_seconds_count\{[^}]*\} (\d+)$/gm),
    within: total(new RegExp(`^runnel_ai_append_seconds_bucket\\{[^}]*le="${bound}"[^}]*\\} (\\d+)$`, 'gm')),
  };
};

test('a dead AI pod shows as takeovers without releases, and as a process that is gone (RunsTakenOver, PodDown)', LIMIT, async () => {
  const cluster = await start({});
  for (let i = 0; i < 4; i++) await ask(cluster, `${i}`, 'count 300 at 30');
  const [dead, other] = cluster.ai as [Pod, Pod];
  await waitFor(async () => (await dead.metric('runnel_ai_runs')) > 0, { deadlineMs: SOON_MS, what: 'both AI pods to write' });
  await dead.kill();
  await waitFor(async () => (await other.metric('runnel_ai_takeovers_total')) > 0, { deadlineMs: SOON_MS, what: 'a takeover' });
  await waitFor(async () => (await other.metric('runnel_ai_runs')) === 4, { deadlineMs: SOON_MS, what: 'all four to be its own' });
  expect(await dead.ready()).toBe(false);
});

test('Redis at 50 ms shows in appends and in the whole way, and answers go on (StoreSlow, ChunksLate)', LIMIT, async () => {
  const cluster = await start({ proxied: true });
  // In each direction.
  for (const wire of cluster.wires.all) wire.latencyMs = 30;
  const reader = new TestClient(cluster.gateways[0]!.spec.port, {});
  onTestFinished(() => reader.drop());
  await reader.opened;
  reader.send({ type: 'follow', conversationId: 'c-slow' });
  await ask(cluster, 'slow', 'count 300 at 50');
  await waitFor(async () => (await sum(cluster.ai, 'runnel_ai_append_seconds_count')) > 20, { deadlineMs: SOON_MS, what: 'slow appends' });
  const { all, within } = await appends(cluster.ai, '0.05');
  expect(within / all).toBeLessThan(0.1);
  // What comes meanwhile is joined: fewer and longer appends, not a queue.
  const bytes = (await sum(cluster.ai, 'runnel_ai_append_bytes_sum')) / (await sum(cluster.ai, 'runnel_ai_append_bytes_count'));
  expect(bytes).toBeGreaterThan(12);
  const chunk = 'runnel_gateway_chunk_added_seconds';
  await waitFor(async () => (await sum(cluster.gateways, `${chunk}_count`)) > 2, { deadlineMs: SOON_MS, what: 'chunks at the gateway' });
  expect((await sum(cluster.gateways, `${chunk}_sum`)) / (await sum(cluster.gateways, `${chunk}_count`))).toBeGreaterThan(0.05);
});
