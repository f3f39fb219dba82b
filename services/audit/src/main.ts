import {
  createDrain,
  createHealth,
  createInnerDoor,
  createInnerToken,
  createInternalServer,
  createLogger,
  createMetrics,
  describeConfig,
  loadConfig,
  runService,
  startTracing,
} from '@runnel/kit';
import { shareInnerToken } from '@runnel/coordination';
import { createAuditApp } from './app.ts';
import { configSpec } from './config.ts';
import { startAudit } from './service.ts';

await runService({
  name: 'audit',
  async start({ stop }) {
    const config = loadConfig(configSpec, process.env);
    const log = createLogger({ level: config.logLevel, node: config.nodeId, service: 'audit' });
    const metrics = createMetrics('audit');
    const health = createHealth();
    const onFatal = (error: unknown): void => {
      log.error({ event: 'kafka.fatal', message: String(error) });
      stop('the Kafka consumer ended', 1);
    };
    const tracing = startTracing({ service: 'audit', node: config.nodeId, endpoint: config.otlpEndpoint });
    const audit = await startAudit(config, log, { metrics, onFatal, tracer: tracing.tracer });
    health.register('database', () => audit.tables.ping());

    const { internalToken: given, internalTokenFile: file } = config;
    const onError = (error: unknown): void => log.debug({ event: 'inner-token.unread', err: error });
    const token = createInnerToken({ given, file, share: shareInnerToken(audit.redis), onError });
    const door = createInnerDoor(token, metrics);
    const app = createAuditApp(audit.tables, door);
    await app.listen({ host: config.host, port: config.port });
    // The batch in hand is finished and committed, the shards and the groups are left; history is still answered.
    const leave = async (): Promise<void> => {
      for (const { close } of audit.working.toReversed()) await close();
    };
    const { drain } = createDrain({ health, metrics, log, windowMs: config.drainMs, work: leave });
    const internal = createInternalServer({ metrics, health, log, door, onDrain: drain, onDrained: () => stop('drained') });
    await internal.listen({ host: config.host, port: config.internalPort });
    health.setReady(true);
    log.info({ event: 'service.started', settings: describeConfig(configSpec, config), addresses: app.addresses() });
    return {
      log,
      shutdownMs: config.drainMs + 5_000,
      closables: [
        { name: 'tracing', close: () => tracing.shutdown() },
        ...audit.closables,
        { name: 'inner token', close: () => token.close() },
        { name: 'internal', close: () => internal.close() },
        { name: 'http', close: () => app.close() },
        { name: 'drain', close: drain },
      ],
    };
  },
});
