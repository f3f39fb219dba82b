import { delay, type Closable, type Logger } from '@runnel/kit';
import type { AuditTables } from './tables.ts';

const EVERY_MS = 3_600_000;

/** Removes the trail's old months, hourly; 0 keeps everything. */
export const startRetention = (tables: Pick<AuditTables, 'partitions'>, retentionMs: number, log: Logger): Closable => {
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    while (retentionMs > 0 && !stop.signal.aborted) {
      try {
        const removed = await tables.partitions.retire(Date.now() - retentionMs);
        if (removed > 0) log.info({ event: 'retention.removed', removed });
      } catch (error) {
        log.warn({ event: 'retention.failed', message: String(error) });
      }
      await delay(EVERY_MS, stop.signal);
    }
  };
  const running = run();
  return {
    name: 'retention',
    async close() {
      stop.abort();
      await running;
    },
  };
};
