import { runLogContract } from './run-log.contract.ts';
import { openRedisLog } from '../testing/open-redis-log.ts';
import { startRedis, startRedisCluster } from '../testing/index.ts';

runLogContract('redis', () =>
  openRedisLog(
    () => startRedis(),
    (redis) => [redis],
  ),
);
runLogContract('redis cluster of three', () =>
  openRedisLog(
    () => startRedisCluster(3),
    ({ nodes }) => nodes,
  ),
);
