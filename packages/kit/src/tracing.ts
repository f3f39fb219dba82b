import { ROOT_CONTEXT, trace, TraceFlags, type Context, type Span, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { ownVersion } from './telemetry/build-info.ts';
import { resourceOf, tracesUrl, type OtelConfig, type SamplerName } from './telemetry/otel-settings.ts';
import { toldExporter } from './telemetry/told-exporter.ts';

export { SpanKind, SpanStatusCode, type Context, type Span, type Tracer } from '@opentelemetry/api';

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left; gives up after 2 s, since a collector that is down must not hold a shutdown. */
  shutdown(): Promise<void>;
}

export interface TracingOptions {
  service: string;
  node: string;
  /** Absent, or without an address in it: spans are made and dropped at no cost. */
  config?: OtelConfig;
  /** Who is told of a collector that takes nothing. */
  told?: { log: Logger; metrics: Metrics };
  exporter?: SpanExporter;
}

const SHUTDOWN_DEADLINE_MS = 2000;

const samplerOf = (name: SamplerName, part: number): Sampler => {
  const [, parentBased, root] = /^(parentbased_)?(.*)$/.exec(name)!;
  const own =
    root === 'always_on' ? new AlwaysOnSampler() : root === 'always_off' ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(part);
  return parentBased === undefined ? own : new ParentBasedSampler({ root: own });
};

const exporterOf = (config: OtelConfig | undefined): SpanExporter | undefined => {
  const url = config && tracesUrl(config);
  if (url === undefined) return undefined;
  return config!.otlpProtocol === 'http/json' ? new JsonExporter({ url }) : new ProtobufExporter({ url });
};

/**
 * Nothing is registered globally and nothing is instrumented behind the code's back: a span gets its parent as an
 * argument (`contextOf(traceparent)`), so that services in one process stay apart.
 */
export function startTracing({ service, node, config, told, exporter = exporterOf(config) }: TracingOptions): Tracing {
  if (exporter === undefined) return { tracer: trace.getTracer('runnel'), shutdown: () => Promise.resolve() };
  const { otelServiceName, otelResource = '', otelSampler = 'parentbased_always_on', otelSamplerArg = 1 } = config ?? {};
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': `runnel-${service}`,
      'service.instance.id': node,
      'service.version': ownVersion(),
      ...resourceOf(otelResource),
      ...(otelServiceName !== undefined && { 'service.name': otelServiceName }),
    }),
    sampler: samplerOf(otelSampler, otelSamplerArg),
    spanProcessors: [new BatchSpanProcessor({ exporter: told === undefined ? exporter : toldExporter(exporter, told) })],
  });
  return {
    tracer: provider.getTracer('runnel'),
    async shutdown() {
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, SHUTDOWN_DEADLINE_MS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
    },
  };
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The context to start a child span in, from a W3C `traceparent`; the root context when there is none or it is not one. */
export function contextOf(traceparent: string | null | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  });
}

/** The W3C `traceparent` that carries a span on, over HTTP, Redis or Kafka; undefined when nothing is traced. */
export function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (/^0+$/.test(traceId)) return undefined;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The trace's id in a W3C `traceparent`; undefined when there is none. */
export const traceIdOf = (traceparent: string | null | undefined): string | undefined => TRACEPARENT.exec(traceparent ?? '')?.[1];
