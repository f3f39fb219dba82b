import type { Metrics } from '@runnel/kit';

export const httpMetrics = (metrics: Metrics) => ({
  eventStreams: metrics.gauge('runnel_gateway_event_streams', 'Open SSE responses'),
  slowReaders: metrics.counter(
    'runnel_gateway_slow_event_streams_total',
    'SSE responses broken off because the reader was too slow (W-14)',
  ),
  historyReads: metrics.counter('runnel_gateway_history_reads_total', 'History pages by where they came from', ['from']),
});

export type HttpMetrics = ReturnType<typeof httpMetrics>;
