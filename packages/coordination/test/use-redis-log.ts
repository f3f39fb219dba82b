import { afterAll } from 'vitest';
import { createRedisRunLog, type RedisRunLogOptions } from '../src/redis/run-log.ts';
import { PATIENT_MS } from '../testing/patient.ts';
import { startRedis } from '../testing/redis-process.ts';

/** A Redis and a run log on it for the tests of one file; both end with the last of them. */
export const useRedisLog = async (options: Omit<RedisRunLogOptions, 'url'> = { deadlineMs: PATIENT_MS }) => {
  const redis = await startRedis();
  const log = createRedisRunLog({ url: redis.url, ...options });
  afterAll(async () => {
    await log.close();
    await redis.stop();
  });
  return { redis, log };
};
