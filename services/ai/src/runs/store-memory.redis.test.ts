import { createRedisRunLog } from '@runnel/coordination';
import { startRedis } from '@runnel/coordination/testing';
import { createHealth, createMetrics, silentLog, waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { createAiApp } from '../app.ts';
import { DEFAULT_MODELS } from '../models/model-config.ts';

/** A machine so busy that Redis does not answer in time is asked again ten seconds later. */
const SECOND_TRY_MS = 15_000;

test('a pod shows how full Redis is', async () => {
  const redis = await startRedis({ args: ['--maxmemory', '64mb'] });
  onTestFinished(() => redis.stop());
  const runLog = createRedisRunLog({ url: redis.url });
  onTestFinished(() => runLog.close());
  const metrics = createMetrics('ai', { processMetrics: false });
  const shown = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name}\\{service="ai"\\} (\\d+)$`, 'm').exec(await metrics.text())?.[1]);
  const config = { nodeId: 'a', models: DEFAULT_MODELS, maxRuns: 1, leaseMs: 3_000, drainMs: 1_000 };
  const ai = await createAiApp({ config, log: silentLog, metrics, health: createHealth(), runLog });
  onTestFinished(() => ai.close());

  await waitFor(async () => (await shown('runnel_store_memory_limit_bytes')) === 64 * 1024 * 1024, {
    deadlineMs: SECOND_TRY_MS,
    what: 'the limit',
  });
  expect(await shown('runnel_store_memory_bytes')).toBeGreaterThan(500_000);
});
