import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import {
  createLogger,
  createHealth,
  createInnerDoor,
  createInnerToken,
  createInternalServer,
  newInnerToken,
  createMetrics,
  describeConfig,
  loadConfig,
  runService,
  startTracing,
  storeObserver,
  watchEviction,
  waitFor,
} from '@runnel/kit';
import { connectRedis, createRedisRunLog, outboxBacklog, shareInnerToken } from '@runnel/coordination';
import { createGatewayApp } from './app.ts';
import { configSpec } from './config.ts';
import { listenHost } from './config-doors.ts';
import { createAuditClient } from './http/audit-client.ts';

// The young generation stays small: sockets that only wait would else leave megabytes of it behind (docs/decisions/0013).
setFlagsFromString('--semi-space-growth-factor=1');

/** A gateway starts also while Redis is away. */
const TOKEN_WAIT_MS = 1000;

await runService({
  name: 'gateway',
  async start({ stop }) {
    const config = loadConfig(configSpec, process.env);
    const log = createLogger({ level: config.logLevel, node: config.nodeId, service: 'gateway' });
    const metrics = createMetrics('gateway');
    const health = createHealth();
    const tracing = startTracing({ service: 'gateway', node: config.nodeId, endpoint: config.otlpEndpoint });
    const onError = (err: Error) => log.warn({ event: 'redis.error', err: { message: err.message } });
    const onUnread = (err: unknown): void => log.debug({ event: 'inner-token.unread', err });
    const runLog = createRedisRunLog({ url: config.redisUrl, onCommand: storeObserver(metrics), onError });
    health.register('redis', () => runLog.ping());
    const watching = new AbortController();
    const ask = async () => (await runLog.storeMemory())?.policy;
    void watchEviction({ ask, health, metrics, log }, watching.signal);
    const redis = connectRedis(config.redisUrl, onError);
    // The audit's pods tell it as well; theirs is gone with the last of them, and then it matters most.
    metrics.sampled(metrics.gauge('runnel_outbox_backlog', 'Outbox entries that wait, in all shards'), () => outboxBacklog(redis));
    const { internalToken: given, internalTokenFile: file } = config;
    const innerToken = createInnerToken({ given, file, share: shareInnerToken(redis), onError: onUnread });
    // The first question to AI pods is what models there are; asked without the token, the catalogue would be empty for a second.
    await waitFor(() => innerToken.current() !== undefined, { deadlineMs: TOKEN_WAIT_MS, everyMs: 10 }).catch(() => undefined);
    const unshared = newInnerToken();
    const gateway = await createGatewayApp({
      config,
      log,
      metrics,
      health,
      runLog,
      innerToken,
      guestKey: () => innerToken.current() ?? unshared,
      tracer: tracing.tracer,
      redis,
      ...(config.auditUrl !== undefined && { audit: createAuditClient({ url: config.auditUrl, token: innerToken }) }),
    });
    const door = createInnerDoor(innerToken, metrics);
    const onDrained = (): void => stop('drained');
    const internal = createInternalServer({ metrics, health, log, door, onDrain: () => gateway.drain(), onDrained });
    const host = listenHost(config);
    await internal.listen({ host, port: config.internalPort });
    await gateway.app.listen({ host, port: config.port });
    health.setReady(true);
    const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
    const ports = { port: portOf(gateway.app.server), internalPort: portOf(internal.server) };
    log.info({ event: 'gateway.started', ...ports, config: describeConfig(configSpec, config) });
    return {
      log,
      shutdownMs: config.drainMs + 10_000,
      closables: [
        { name: 'tracing', close: () => tracing.shutdown() },
        { name: 'run-log', close: () => runLog.close() },
        { name: 'eviction watch', close: () => watching.abort() },
        { name: 'rate-limits', close: () => redis.disconnect() },
        { name: 'inner-token', close: () => innerToken.close() },
        { name: 'internal', close: () => internal.close() },
        { name: 'gateway', close: () => gateway.close() },
        { name: 'drain', close: () => gateway.drain() },
      ],
    };
  },
});
