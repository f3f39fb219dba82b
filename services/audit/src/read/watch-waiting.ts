import { delay, type Closable, type Logger } from '@runnel/kit';
import type { AuditTables } from '../audit-database.ts';
import type { AuditMetrics } from '../metrics.ts';

const EVERY_MS = 15_000;

/** Shows how many answers wait for a person. A look that fails leaves the figure as it was: the database has alerts of its own. */
export const watchWaiting = (tables: Pick<AuditTables, 'waiting'>, metrics: Pick<AuditMetrics, 'waiting'>, log: Logger): Closable => {
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await tables.waiting().then(
        (count) => metrics.waiting.set(count),
        (err: unknown) => log.debug({ event: 'waiting.unknown', err }),
      );
      await delay(EVERY_MS, stop.signal);
    }
  };
  const running = run();
  return {
    name: 'watch of what waits',
    async close() {
      stop.abort();
      await running;
    },
  };
};
