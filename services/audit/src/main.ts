import { createHealth, createInternalServer, createLogger, createMetrics, describeConfig, loadConfig, runService } from '@runnel/kit';
import { createAuditApp } from './app.ts';
import { configSpec } from './config.ts';
import { startAudit } from './service.ts';

await runService({
  name: 'audit',
  async start() {
    const config = loadConfig(configSpec, process.env);
    const log = createLogger({ level: config.logLevel, node: config.nodeId, service: 'audit' });
    const metrics = createMetrics('audit');
    const health = createHealth();
    const audit = await startAudit(config, log);
    health.register('database', () => audit.ping());

    const app = createAuditApp({ reader: audit.reader });
    await app.listen({ host: config.host, port: config.port });
    const internal = createInternalServer({ metrics, health, log });
    await internal.listen({ host: config.host, port: config.internalPort });
    health.setReady(true);
    log.info({ event: 'service.started', settings: describeConfig(configSpec, config), addresses: app.addresses() });
    return {
      log,
      shutdownMs: config.drainMs + 5_000,
      closables: [...audit.closables, { name: 'internal', close: () => internal.close() }, { name: 'http', close: () => app.close() }],
    };
  },
});
