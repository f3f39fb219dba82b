import { ROOT_CONTEXT, trace, TraceFlags, type Context, type Span, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';

export { SpanStatusCode, type Context, type Span, type Tracer } from '@opentelemetry/api';

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left; gives up after 2 s, since a collector that is down must not hold a shutdown. */
  shutdown(): Promise<void>;
}

export interface TracingOptions {
  service: string;
  node: string;
  /** Base URL of the collector; `/v1/traces` is added. Undefined: spans are made and dropped at no cost. */
  endpoint?: string | undefined;
  exporter?: SpanExporter;
}

const SHUTDOWN_DEADLINE_MS = 2000;

/**
 * Nothing is registered globally and nothing is instrumented behind the code's back: a span gets its parent as an
 * argument (`contextOf(traceparent)`), so that services in one process stay apart.
 */
export function startTracing({ service, node, endpoint, exporter }: TracingOptions): Tracing {
  const sink =
    exporter ?? (endpoint === undefined ? undefined : new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }));
  if (sink === undefined) return { tracer: trace.getTracer('runnel'), shutdown: () => Promise.resolve() };
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `runnel-${service}`, 'service.instance.id': node }),
    spanProcessors: [new BatchSpanProcessor({ exporter: sink })],
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
