import { runLogContract } from './run-log.contract.ts';
import { createRedisRunLog } from './run-log-redis.ts';
import { startRedis, startRedisCluster, type TestRedis } from './testing/index.ts';

type Store = { url: string; stop(): Promise<void> };

const open = async <S extends Store>(start: () => Promise<S>, nodesOf: (store: S) => readonly TestRedis[]) => {
  const redis = await start();
  const log = createRedisRunLog({ url: redis.url });
  const other = createRedisRunLog({ url: redis.url });
  const close = async (): Promise<void> => {
    await Promise.all([log.close(), other.close()]);
    await redis.stop();
  };
  /** The last node gets the limit, those before it more room: it is the fullest, and the first one is not. */
  const limitMemory = async (bytes: number): Promise<void> => {
    for (const [index, node] of nodesOf(redis).toReversed().entries()) await node.cli('CONFIG', 'SET', 'maxmemory', bytes * 10 ** index);
  };
  return { log, other, limitMemory, close };
};

runLogContract('redis', () =>
  open(
    () => startRedis(),
    (redis) => [redis],
  ),
);
runLogContract('redis cluster of three', () =>
  open(
    () => startRedisCluster(3),
    ({ nodes }) => nodes,
  ),
);
