import { createRedisRunLog, type RunLog } from '@runnel/coordination';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { afterAll, beforeAll } from 'vitest';
import { olderContract } from '../testing/older-contract.ts';

let redis: TestRedis;
let store: RunLog;
beforeAll(async () => {
  redis = await startRedis();
  store = createRedisRunLog({ url: redis.url });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

olderContract('in Redis', () => store, 12);
