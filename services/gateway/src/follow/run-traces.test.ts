import { createMetrics } from '@runnel/kit';
import { expect, test } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { ChunkLatency } from './chunk-latency.ts';
import { RunTraces } from './run-traces.ts';

const TRACE = 'a'.repeat(32);
const chunkOf = (runId: string): string =>
  `{"type":"chunk","offset":3,"conversationId":"c","runId":"${runId}","at":0,"t":${Date.now() - 20},"text":`;

test('P-7 a chunk of a run that is traced points to its trace, in both histograms of the promise; of other runs none does', async () => {
  const metrics = createMetrics('gateway', { processMetrics: false });
  const traces = new RunTraces();
  const latency = new ChunkLatency(gatewayMetrics(metrics), traces);
  const exemplars = async () => (await metrics.openMetrics()).split('\n').filter((line) => line.includes('# {trace_id='));
  latency.chunk(chunkOf('r1'));
  traces.begun('r2', undefined);
  traces.begun('r2', 'nonsense');
  latency.chunk(chunkOf('r2'));
  expect(await exemplars()).toEqual([]);
  traces.begun('r1', `00-${TRACE}-${'b'.repeat(16)}-01`);
  latency.chunk(chunkOf('r2'));
  expect(await exemplars()).toEqual([]);
  latency.chunk(chunkOf('r1'));
  const told = await exemplars();
  expect(told.map((line) => line.split('{', 1)[0]).toSorted()).toEqual([
    'runnel_gateway_chunk_added_seconds_bucket',
    'runnel_gateway_ttfb_added_seconds_bucket',
  ]);
  for (const line of told) expect(line).toContain(`# {trace_id="${TRACE}"}`);
});

test('as many runs are known as a node may write, and no more', () => {
  const traces = new RunTraces();
  for (let i = 0; i < 10_000; i++) traces.begun(`r${i}`, `00-${TRACE}-${'b'.repeat(16)}-01`);
  expect(traces.ofChunk(chunkOf('r9999'))).toBe(TRACE);
  expect(traces.ofChunk(chunkOf('r0'))).toBeUndefined();
});
