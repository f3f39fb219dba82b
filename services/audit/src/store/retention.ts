import { delay, type Closable, type Logger } from '@runnel/kit';
import type { AuditTables } from '../audit-database.ts';

const EVERY_MS = 3_600_000;

export interface Terms {
  /** How long the trail is kept, ms; 0: for ever. */
  retentionMs: number;
  /** For so long an event may come late, ms. */
  lateMs: number;
}

/** Hourly: removes the trail's old months, and what recognises late events of erased persons. */
export const startRetention = (
  tables: Pick<AuditTables, 'partitions' | 'forgetDigests'>,
  { retentionMs, lateMs }: Terms,
  log: Logger,
): Closable => {
  const stop = new AbortController();
  const round = async (now: number): Promise<void> => {
    await tables.forgetDigests(now - lateMs);
    const removed = retentionMs > 0 ? await tables.partitions.retire(now - retentionMs) : 0;
    if (removed > 0) log.info({ event: 'retention.removed', removed });
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await round(Date.now()).catch((error: unknown) => log.warn({ event: 'retention.failed', message: String(error) }));
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
