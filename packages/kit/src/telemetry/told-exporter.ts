import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../log.ts';
import { startAtZero, type Metrics } from '../metrics.ts';

/** Words of an error, without what a collector answered. */
const MOST_CHARS = 200;

/**
 * The same exporter, which tells what becomes of batches: a count of each, and a line in the log when the collector stops taking them and
 * when it takes them again. What it does not take is lost; nothing waits for it, and what waits to be sent is bounded (2,048 spans).
 */
export const toldExporter = (inner: SpanExporter, { log, metrics }: { log: Logger; metrics: Metrics }): SpanExporter => {
  const batches = metrics.counter(
    'runnel_trace_batches_total',
    'Batches of spans that were given to the collector, by whether it took them',
    ['outcome'],
  );
  startAtZero(batches, { outcome: ['sent', 'lost'] });
  let taken = true;
  return {
    export(spans, done) {
      inner.export(spans, (result) => {
        const sent = result.code === 0;
        batches.inc({ outcome: sent ? 'sent' : 'lost' });
        if (!sent && taken) log.warn({ event: 'traces.lost', reason: (result.error?.message ?? 'unknown').slice(0, MOST_CHARS) });
        if (sent && !taken) log.info({ event: 'traces.sent' });
        taken = sent;
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
    ...(inner.forceFlush && { forceFlush: () => inner.forceFlush!() }),
  };
};
