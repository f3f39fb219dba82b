import { startAtZero, type Metrics } from '@runnel/kit';

const createHttpMetrics = (metrics: Metrics) => ({
  eventStreams: metrics.gauge('runnel_gateway_event_streams', 'Open SSE responses'),
  slowReaders: metrics.counter(
    'runnel_gateway_slow_event_streams_total',
    'SSE responses broken off because the reader was too slow (W-14)',
  ),
  uploads: metrics.counter(
    'runnel_gateway_uploads_total',
    'Bodies of uploads by what became of them: `whole` ended a file, `part` did not, the rest are refused',
    ['outcome'],
  ),
  historyReads: metrics.counter('runnel_gateway_history_reads_total', 'History pages by where they came from', ['from']),
});

export type HttpMetrics = ReturnType<typeof createHttpMetrics>;

const UPLOADS = ['whole', 'part', 'conflict', 'locked', 'mismatch', 'unsupported-type', 'too-large', 'quota'] as const;
export type UploadOutcome = (typeof UPLOADS)[number];

export const httpMetrics = (metrics: Metrics): HttpMetrics => {
  const all = createHttpMetrics(metrics);
  startAtZero(all.uploads, { outcome: [...UPLOADS] });
  startAtZero(all.historyReads, { from: ['memory', 'joined', 'store'] });
  return all;
};
