import type { Metrics } from '../metrics.ts';

/**
 * What every process that knows the store tells of it, asked at a scrape: the audit's pods are gone with the last of them, and then
 * somebody has to say that the outbox fills.
 */
export const showStore = (metrics: Metrics, ask: { backlog(): Promise<number>; clockOffset(): Promise<number> }): void => {
  metrics.sampled(metrics.gauge('runnel_outbox_backlog', 'Outbox entries that wait, in all shards'), ask.backlog);
  const offset = metrics.gauge('runnel_clock_offset_seconds', "How far this machine's clock is ahead of Redis's");
  metrics.sampled(offset, ask.clockOffset);
};
