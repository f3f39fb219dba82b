import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
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

test('spans reach a collector over OTLP', async () => {
  const paths: string[] = [];
  const collector = createServer((request, response) => {
    paths.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void collector.close());

  const tracing = startTracing({ service: 'ai', node: 'n', endpoint: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/` });
  tracing.tracer.startSpan('runnel_run').end();
  await tracing.shutdown();
  expect(paths).toEqual(['POST /v1/traces']);
});
