import { outboxKey, shardOf } from '@runnel/coordination';
import { startCluster, waitFor, type Cluster } from '@runnel/e2e';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startOtlpReceiver } from './testing/otlp-receiver.ts';

const TRACE = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const CALLER_SPAN = '1234567890abcdef';
const TEXT = 'count 60 at 30';

const start = async (endpoint?: string, audit = false): Promise<Cluster> => {
  const env = endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
  const cluster = await startCluster({ gateways: 1, ai: 2, audit, gatewayEnv: env, aiEnv: env, auditEnv: env });
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
  });
  return cluster;
};

const prompt = async (cluster: Cluster, headers: Record<string, string> = {}): Promise<void> => {
  const response = await fetch(`${cluster.gateways[0]!.url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ conversationId: 'c1', messageId: 'm1', runId: 'r1', model: 'count', text: TEXT }),
  });
  expect(response.status).toBe(202);
};

/** Traces of the audit events that wait in the conversation's outbox, by type. */
const outboxTraces = async (cluster: Cluster): Promise<Map<string, string>> => {
  const entries = (await cluster.redis.cli('XRANGE', outboxKey(shardOf('c1')), '-', '+')) as [string, string[]][];
  const valueOf = (fields: readonly string[], name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  return new Map(entries.map(([, fields]) => [valueOf(fields, 'type'), valueOf(fields, 'trace')]));
};
const ended = async (cluster: Cluster): Promise<boolean> => (await outboxTraces(cluster)).has('STREAM_COMPLETED');

// Each starts a cluster of its own: 14 to 56 s were seen on a busy machine.
vi.setConfig({ testTimeout: 150_000 });

test('one trace from the request over the takeover to the audit events, a span per stay and none per chunk', async () => {
  await using receiver = await startOtlpReceiver();
  const cluster = await start(receiver.url);
  await prompt(cluster, { traceparent: `00-${TRACE}-${CALLER_SPAN}-01` });

  // The owner drains in the middle: its span ends as released, and another pod's begins under the same parent.
  const owner = await waitFor(
    async () => {
      for (const pod of cluster.ai) if ((await pod.metric('runnel_ai_append_seconds_count')) > 5) return pod;
      return undefined;
    },
    { deadlineMs: 10_000, what: 'an AI pod to write' },
  );
  await owner.terminate();
  await waitFor(() => ended(cluster), { deadlineMs: 15_000, what: 'the answer to end' });
  // Spans are sent in batches; an orderly end sends what is left.
  await Promise.all([...cluster.ai, ...cluster.gateways].filter((pod) => pod.alive).map((pod) => pod.terminate()));

  const spans = receiver.spans.filter(({ traceId }) => traceId === TRACE);
  expect(spans.map(({ service, name }) => `${service} ${name}`).toSorted()).toEqual([
    'runnel-ai chat count',
    'runnel-ai chat count',
    'runnel-gateway runnel.begin-run',
  ]);
  const begin = spans.find(({ name }) => name === 'runnel.begin-run')!;
  expect(begin.parentSpanId).toBe(CALLER_SPAN);
  const runs = spans.filter(({ name }) => name === 'chat count');
  const byEpoch = runs.toSorted((a, b) => Number(a.attributes['runnel.epoch']) - Number(b.attributes['runnel.epoch']));
  expect(byEpoch.map(({ parentSpanId }) => parentSpanId)).toEqual([begin.spanId, begin.spanId]);
  expect(byEpoch.map(({ attributes }) => attributes['runnel.result'])).toEqual(['released', 'complete']);
  expect(byEpoch[0]?.events).toEqual(['first-token']);
  expect(byEpoch[1]?.events).toEqual(['taken-over', 'first-token']);
  expect(byEpoch[1]?.attributes).toMatchObject({ 'gen_ai.request.model': 'count', 'runnel.run': 'r1', 'runnel.epoch': '2' });

  const traces = await outboxTraces(cluster);
  for (const type of ['STREAM_STARTED', 'RECOVERY_ATTEMPT', 'STREAM_COMPLETED']) expect(traces.get(type), type).toContain(TRACE);
  // No span says what people say.
  expect(JSON.stringify(receiver.spans)).not.toContain(TEXT);
});

test('the trace goes on to the rows that the audit stores', async () => {
  await using receiver = await startOtlpReceiver();
  const cluster = await start(receiver.url, true);
  await prompt(cluster, { traceparent: `00-${TRACE}-${CALLER_SPAN}-01` });
  const stored = () => receiver.spans.filter(({ service, traceId }) => service === 'runnel-audit' && traceId === TRACE);
  const isEnd = ({ attributes }: { attributes: Record<string, string> }): boolean => attributes['runnel.event'] === 'STREAM_COMPLETED';
  await waitFor(() => stored().some(isEnd), { deadlineMs: 25_000, everyMs: 100, what: 'the span of the stored answer' });
  const spans = stored();
  expect(spans.map(({ name }) => name)).toEqual(spans.map(() => 'runnel.store'));
  expect(spans.map(({ attributes }) => attributes['runnel.event'])).toContain('STREAM_STARTED');
  expect(JSON.stringify(spans)).not.toContain(TEXT);
});

test('without an endpoint nothing is traced and nothing is carried', async () => {
  const cluster = await start();
  await prompt(cluster);
  await waitFor(() => ended(cluster), { deadlineMs: 15_000, what: 'the answer to end' });
  expect([...(await outboxTraces(cluster)).values()].filter((trace) => /^00-/.test(trace))).toEqual([]);
});
