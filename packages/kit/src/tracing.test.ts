import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { defineConfig, loadConfig } from './config.ts';
import { createLogger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { otelSettings, resourceOf, tracesUrl, type OtelConfig } from './telemetry/otel-settings.ts';
import { toldExporter } from './telemetry/told-exporter.ts';
import { contextOf, startTracing, traceparentOf } from './tracing.ts';

/** Shutting the exporter down forgets its spans: keep them as they come. */
class KeepingExporter extends InMemorySpanExporter {
  readonly kept: ReadableSpan[] = [];
  override export(...[spans, done]: Parameters<InMemorySpanExporter['export']>): void {
    this.kept.push(...spans);
    super.export(spans, done);
  }
}

test('without an endpoint nothing is recorded', async () => {
  const tracing = startTracing({ service: 'ai', node: 'n' });
  const span = tracing.tracer.startSpan('runnel_run');
  expect(span.isRecording()).toBe(false);
  expect(traceparentOf(span)).toBeUndefined();
  await tracing.shutdown();
});

test('a span goes on in another process by its traceparent', async () => {
  const exporter = new KeepingExporter();
  const tracing = startTracing({ service: 'ai', node: 'n', exporter });
  const command = tracing.tracer.startSpan('runnel_command');
  const carried = traceparentOf(command);
  const run = tracing.tracer.startSpan('runnel_run', {}, contextOf(carried));
  run.end();
  command.end();
  await tracing.shutdown();

  expect(carried).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(run.spanContext().traceId).toBe(command.spanContext().traceId);
  expect(exporter.kept.map((span) => span.name)).toEqual(['runnel_run', 'runnel_command']);
  expect(exporter.kept[0]?.parentSpanContext?.spanId).toBe(command.spanContext().spanId);
  expect(exporter.kept[0]?.resource.attributes).toMatchObject({ 'service.name': 'runnel-ai', 'service.instance.id': 'n' });
});

test('a traceparent that is none starts a new trace', () => {
  for (const bad of [null, undefined, '', '00-xyz', '01-' + 'a'.repeat(32) + '-' + 'b'.repeat(16) + '-01']) {
    expect(contextOf(bad)).toBe(ROOT_CONTEXT);
  }
  expect(trace.getSpanContext(contextOf(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`))).toMatchObject({ traceFlags: 0, isRemote: true });
});

const config = (env: Record<string, string>): OtelConfig => loadConfig(defineConfig(otelSettings), env);

interface Heard {
  path: string;
  type: string;
  token: string;
  body: Buffer;
}
/** A collector that answers with the status it is told. */
const startCollector = async (status: () => number = () => 200): Promise<{ url: string; heard: Heard[] }> => {
  const heard: Heard[] = [];
  const collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      heard.push({ path, type: String(headers['content-type']), token: String(headers['x-token']), body: Buffer.concat(parts) });
      response.writeHead(status()).end('no, secret-answer');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void collector.close());
  return { url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`, heard };
};

test.each([
  ['http/protobuf', 'application/x-protobuf'],
  ['http/json', 'application/json'],
])('spans reach a collector over OTLP as %s, with what the standard variables say', async (protocol, type) => {
  const { url, heard } = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-token=shown');
  onTestFinished(() => void vi.unstubAllEnvs());
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_SERVICE_NAME: 'chat-ai',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging,team=a%20b',
  };
  const tracing = startTracing({ service: 'ai', node: 'n', config: config(env) });
  tracing.tracer.startSpan('runnel_run').end();
  await tracing.shutdown();
  expect(heard.map(({ path, type: of, token }) => [path, of, token])).toEqual([['/v1/traces', type, 'shown']]);
  // Strings stand in protobuf as they are.
  for (const word of ['chat-ai', 'staging', 'a b', 'service.version', 'runnel_run'])
    expect(heard[0]!.body.toString('latin1')).toContain(word);
});

test('an endpoint of traces is taken as it stands; disabled or without an exporter nothing is sent; gRPC is refused in words', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/x' };
  expect(tracesUrl(config(env))).toBe('http://t/x');
  expect(tracesUrl(config({ ...env, OTEL_SDK_DISABLED: 'true' }))).toBeUndefined();
  expect(tracesUrl(config({ ...env, OTEL_TRACES_EXPORTER: 'none' }))).toBeUndefined();
  expect(tracesUrl(config({}))).toBeUndefined();
  expect(() => config({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(/http\/protobuf/);
  expect(resourceOf('a=1, b=%zz,=x,c')).toEqual({ a: '1', b: '%zz' });
});

test.each([
  ['always_off', '0.5', 0],
  ['always_on', '0', 200],
  ['traceidratio', '0.5', 100],
  ['parentbased_traceidratio', '0', 0],
])('the sampler %s with %s keeps about %d of 200 traces', async (name, arg, about) => {
  const exporter = new KeepingExporter();
  const tracing = startTracing({
    service: 'ai',
    node: 'n',
    config: config({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg }),
    exporter,
  });
  for (let i = 0; i < 200; i++) tracing.tracer.startSpan('x').end();
  // Who calls has decided already, where the sampler asks its parent.
  const parent = contextOf(`00-${'f'.repeat(24)}${'0'.repeat(8)}-${'b'.repeat(16)}-01`);
  const child = tracing.tracer.startSpan('child', {}, parent);
  expect(child.isRecording()).toBe(name.startsWith('parentbased') || name === 'always_on');
  await tracing.shutdown();
  expect(Math.abs(exporter.kept.length - about)).toBeLessThan(60);
});

test('a collector that refuses is told once in the log, counted each time, and told when it takes again; what it answered is not', async () => {
  let status = 400;
  const { url } = await startCollector(() => status);
  const lines: string[] = [];
  const log = createLogger({ node: 'n', service: 's' }, { write: (line: string) => void lines.push(line) });
  const metrics = createMetrics('s', { processMetrics: false });
  const exporter = toldExporter(new OTLPTraceExporter({ url: `${url}/v1/traces` }), { log, metrics });
  const send = (): Promise<unknown> => new Promise((resolve) => exporter.export([], resolve));
  for (const next of [400, 400, 200, 200]) {
    status = next;
    await send();
  }
  expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['traces.lost', 'traces.sent']);
  expect(lines.join('')).not.toContain('secret-answer');
  const text = await metrics.text();
  expect(text).toContain('runnel_trace_batches_total{outcome="lost",service="s"} 2');
  expect(text).toContain('runnel_trace_batches_total{outcome="sent",service="s"} 2');
  await exporter.shutdown();
});

test('a collector that never answers holds nobody: spans go on being made, and the end waits two seconds at most', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const tracing = startTracing({ service: 'ai', node: 'n', config: config({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }) });
  const begun = performance.now();
  // More than wait to be sent at most.
  for (let i = 0; i < 5000; i++) tracing.tracer.startSpan('x').end();
  await tracing.shutdown();
  expect(performance.now() - begun).toBeLessThan(8000);
});
