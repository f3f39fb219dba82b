import { shareInnerToken } from '@runnel/coordination';
import { createDrain, observeHttp, startService } from '@runnel/kit';
import { createAuditApp } from './app.ts';
import { configSpec } from './config.ts';
import { startAudit } from './service.ts';

/** What closing takes beyond the drain: the database, the traces. */
const CLOSE_MS = 5000;

await startService({
  name: 'audit',
  spec: configSpec,
  env: process.env,
  hostOf: ({ host }) => host,
  async build({ config, log, metrics, health, tracer, openDoor, stop }) {
    const onFatal = (error: unknown): void => {
      log.error({ event: 'kafka.fatal', message: String(error) });
      stop('the Kafka consumer ended', 1);
    };
    const audit = await startAudit(config, log, { metrics, onFatal, tracer, stop: (reason) => stop(reason, 1) });
    health.register('database', () => audit.tables.ping());
    const { door, closable } = openDoor({ share: shareInnerToken(audit.redis) });
    const app = createAuditApp(audit.tables, door);
    observeHttp(app, metrics);
    // The batch in hand is finished and committed, the shards and the groups are left; history is still answered.
    const leave = async (): Promise<void> => {
      for (const { close } of audit.working.toReversed()) await close();
    };
    const { drain } = createDrain({ health, metrics, log, windowMs: config.drainMs, work: leave });
    return {
      app,
      door,
      drain,
      shutdownMs: config.drainMs + CLOSE_MS,
      closables: [...audit.closables, closable, { name: 'http', close: () => app.close() }, { name: 'drain', close: drain }],
    };
  },
});
