import { createRedisRunLog } from '@runnel/coordination';
import { startRedis } from '@runnel/coordination/testing';
import { createHealth, createMetrics, silentLog, waitFor, watchEviction } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';

test('B13 a Redis that evicts is told in /readyz, in the metrics and once in the log, and so is that it no longer does', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const runLog = createRedisRunLog({ url: redis.url });
  onTestFinished(() => runLog.close());
  const [metrics, health, stop] = [createMetrics('ai', { processMetrics: false }), createHealth(), new AbortController()];
  onTestFinished(() => stop.abort());
  health.setReady();
  const warned: unknown[] = [];
  const log = Object.assign(Object.create(silentLog), { warn: (line: unknown) => void warned.push(line) });
  const ask = async () => (await runLog.storeMemory())?.policy;
  void watchEviction({ ask, health, metrics, log, everyMs: 20 }, stop.signal);
  const shows = (value: number) =>
    waitFor(async () => (await metrics.text()).includes(`runnel_store_evicts{service="ai"} ${value}`), { deadlineMs: 15_000 });

  await shows(0);
  expect((await health.ready()).checks['redis-eviction']).toMatchObject({ ok: true });
  await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  await shows(1);
  const ready = await health.ready();
  expect(ready.ok).toBe(true);
  expect(ready.checks['redis-eviction']).toMatchObject({ ok: false, critical: false, error: expect.stringContaining('allkeys-lru') });
  await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await shows(0);
  expect((await health.ready()).checks['redis-eviction']).toMatchObject({ ok: true });
  expect(warned).toEqual([{ event: 'store.evicts', policy: 'allkeys-lru' }]);
});
