import type { AddressInfo } from 'node:net';
import { createRedisRunLog } from '@runnel/coordination';
import {
  createHealth,
  createInternalServer,
  createLogger,
  createMetrics,
  describeConfig,
  loadConfig,
  runService,
  startTracing,
  storeObserver,
} from '@runnel/kit';
import { createAiApp } from './app.ts';
import { configSpec } from './config.ts';

/** What closing takes beyond the drain itself: the hand-over of what did not finish, the servers, the traces. */
const CLOSE_MS = 6000;

await runService({
  name: 'ai',
  async start() {
    const config = loadConfig(configSpec, process.env);
    const log = createLogger({ level: config.logLevel, node: config.nodeId, service: 'ai' });
    const metrics = createMetrics('ai');
    const health = createHealth();
    const tracing = startTracing({ service: 'ai', node: config.nodeId, endpoint: config.otlpEndpoint });
    const runLog = createRedisRunLog({
      url: config.redisUrl,
      onCommand: storeObserver(metrics),
      onError: (error) => log.debug({ event: 'store.error', err: error }),
    });
    health.register('redis', () => runLog.ping());

    const ai = await createAiApp({ config, log, metrics, health, runLog, env: process.env, tracer: tracing.tracer });
    const internal = createInternalServer({ metrics, health, log, onDrain: () => ai.drain() });
    await ai.app.listen({ host: config.host, port: config.port });
    await internal.listen({ host: config.host, port: config.internalPort });
    health.setReady(true);
    const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
    const ports = { port: portOf(ai.app.server), internalPort: portOf(internal.server) };
    log.info({ event: 'ai.started', ...ports, config: describeConfig(configSpec, config) });

    return {
      log,
      shutdownMs: config.drainMs + CLOSE_MS,
      closables: [
        { name: 'tracing', close: () => tracing.shutdown() },
        { name: 'run log', close: () => runLog.close() },
        { name: 'internal server', close: () => internal.close() },
        { name: 'ai', close: () => ai.close() },
      ],
    };
  },
});
