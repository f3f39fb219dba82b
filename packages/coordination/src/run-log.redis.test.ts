import { runLogContract } from './run-log.contract.ts';
import { createRedisRunLog } from './run-log-redis.ts';
import { startRedis, startRedisCluster } from './testing/index.ts';

const open = async (start: () => Promise<{ url: string; stop(): Promise<void> }>) => {
  const redis = await start();
  const log = createRedisRunLog({ url: redis.url });
  const other = createRedisRunLog({ url: redis.url });
  const close = async (): Promise<void> => {
    await Promise.all([log.close(), other.close()]);
    await redis.stop();
  };
  return { log, other, close };
};

runLogContract('redis', () => open(() => startRedis()));
runLogContract('redis cluster of three', () => open(() => startRedisCluster(3)));
