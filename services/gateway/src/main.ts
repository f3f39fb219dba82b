import { setFlagsFromString } from 'node:v8';
import {
  clockOffset,
  connectRedis,
  createRedisRunLog,
  openShards,
  openStoreAddress,
  outboxBacklog,
  shareInnerToken,
} from '@runnel/coordination';
import { asConfigError, newInnerToken, showStore, startService, storeObserver, waitFor, watchEviction } from '@runnel/kit';
import { createGatewayApp } from './app.ts';
import { configSpec } from './config.ts';
import { listenHost } from './config-doors.ts';
import { createAuditClient } from './archive/audit-client.ts';

// The young generation stays small: sockets that only wait would else leave megabytes of it behind (docs/decisions/0013).
setFlagsFromString('--semi-space-growth-factor=1');

/** A gateway starts also while Redis is away. */
const STORE_WAIT_MS = 1000;

await startService({
  name: 'gateway',
  spec: configSpec,
  env: process.env,
  hostOf: listenHost,
  async build({ config, log, metrics, health, tracer, openDoor, stop }) {
    const onError = (err: Error) => log.warn({ event: 'redis.error', err: { message: err.message } });
    const url = openStoreAddress(config);
    const redis = connectRedis(url, onError);
    const shards = await openShards({
      client: redis,
      wanted: config.redisShards,
      waitMs: STORE_WAIT_MS,
      refuse: (line) => stop(line, 1),
    }).catch(asConfigError);
    const runLog = createRedisRunLog({ url, onCommand: storeObserver(metrics), onError });
    health.register('redis', () => runLog.ping());
    const watching = new AbortController();
    const ask = async () => (await runLog.storeMemory())?.policy;
    void watchEviction({ ask, health, metrics, log }, watching.signal);
    showStore(metrics, { backlog: () => outboxBacklog(redis), clockOffset: () => clockOffset(redis) });
    const { token: innerToken, door, closable } = openDoor({ share: shareInnerToken(redis) });
    // The first question to AI pods is what models there are; asked without the token, the catalogue would be empty for a second.
    await waitFor(() => innerToken.current() !== undefined, { deadlineMs: STORE_WAIT_MS, everyMs: 10 }).catch(() => undefined);
    const unshared = newInnerToken();
    const gateway = await createGatewayApp({
      config,
      log,
      metrics,
      health,
      runLog,
      innerToken,
      guestKey: () => innerToken.current() ?? unshared,
      tracer,
      redis,
      ...(config.auditUrl !== undefined && { audit: createAuditClient({ url: config.auditUrl, token: innerToken }) }),
    });
    return {
      app: gateway.app,
      door,
      innerRoutes: (inner, door) => void inner.get('/figures', { onRequest: door }, () => gateway.figures()),
      drain: () => gateway.drain(),
      shutdownMs: config.drainMs + 10_000,
      closables: [
        { name: 'run-log', close: () => runLog.close() },
        { name: 'eviction watch', close: () => watching.abort() },
        { name: 'shards', close: () => shards.close() },
        { name: 'rate-limits', close: () => redis.disconnect() },
        closable,
        { name: 'gateway', close: () => gateway.close() },
        { name: 'drain', close: () => gateway.drain() },
      ],
    };
  },
});
