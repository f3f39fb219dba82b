import { createRedisRunLog, type RunLog } from '@runnel/coordination';
import { PATIENT_MS, startRedis, type TestRedis } from '@runnel/coordination/testing';
import { afterAll, beforeAll } from 'vitest';
import { olderContract } from '../testing/older-contract.ts';

let redis: TestRedis;
let store: RunLog;
beforeAll(async () => {
  redis = await startRedis();
  store = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

olderContract('in Redis', () => store, 12);
