import type { AddressInfo } from 'node:net';
import { connectRedis, createRedisRunLog, shareInnerToken } from '@runnel/coordination';
import {
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
  storeObserver,
  watchEviction,
} from '@runnel/kit';
import { createAiApp } from './app.ts';
import { configSpec } from './config.ts';

/** What closing takes beyond the drain itself: the hand-over of what did not finish, the servers, the traces. */
const CLOSE_MS = 6000;

await runService({
  name: 'ai',
  async start({ stop }) {
    const config = loadConfig(configSpec, process.env);
    const log = createLogger({ level: config.logLevel, node: config.nodeId, service: 'ai' });
    const metrics = createMetrics('ai');
    const health = createHealth();
    const tracing = startTracing({ service: 'ai', node: config.nodeId, endpoint: config.otlpEndpoint });
    const onError = (error: unknown): void => log.debug({ event: 'store.error', err: error });
    const runLog = createRedisRunLog({ url: config.redisUrl, onCommand: storeObserver(metrics), onError });
    health.register('redis', () => runLog.ping());
    const watching = new AbortController();
    const ask = async () => (await runLog.storeMemory())?.policy;
    void watchEviction({ ask, health, metrics, log }, watching.signal);

    const redis = connectRedis(config.redisUrl, onError);
    const { internalToken: given, internalTokenFile: file } = config;
    const token = createInnerToken({ given, file, share: shareInnerToken(redis), onError });
    const door = createInnerDoor(token, metrics);
    const ai = await createAiApp({ config, log, metrics, health, runLog, door, env: process.env, tracer: tracing.tracer });
    const onDrained = (): void => stop('drained');
    const internal = createInternalServer({ metrics, health, log, door, onDrain: () => ai.drain(), onDrained });
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
        { name: 'eviction watch', close: () => watching.abort() },
        { name: 'inner token', close: () => (token.close(), redis.disconnect()) },
        { name: 'internal server', close: () => internal.close() },
        { name: 'ai', close: () => ai.close() },
      ],
    };
  },
});
