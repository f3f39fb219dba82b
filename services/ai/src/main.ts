import {
  clockOffset,
  connectRedis,
  createRedisRunLog,
  openShards,
  openStoreAddress,
  outboxBacklog,
  shareInnerToken,
} from '@runnel/coordination';
import { asConfigError, showStore, startService, storeObserver, watchEviction } from '@runnel/kit';
import { createAiApp } from './app.ts';
import { configSpec } from './config.ts';

/** What closing takes beyond the drain itself: the hand-over of what did not finish, the servers, the traces. */
const CLOSE_MS = 6000;
/** A pod starts also while Redis is away. */
const STORE_WAIT_MS = 1000;

await startService({
  name: 'ai',
  spec: configSpec,
  env: process.env,
  hostOf: ({ host }) => host,
  async build({ config, log, metrics, health, tracer, openDoor, stop }) {
    const onError = (error: unknown): void => log.debug({ event: 'store.error', err: error });
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
    const ai = await createAiApp({ config, log, metrics, health, runLog, door, innerToken, env: process.env, tracer });
    return {
      app: ai.app,
      door,
      drain: () => ai.drain(),
      shutdownMs: config.drainMs + CLOSE_MS,
      closables: [
        { name: 'run log', close: () => runLog.close() },
        { name: 'eviction watch', close: () => watching.abort() },
        { name: 'shards', close: () => shards.close() },
        { name: 'redis', close: () => redis.disconnect() },
        closable,
        { name: 'ai', close: () => ai.close() },
      ],
    };
  },
});
