export * from './connect.ts';
export { channelOf, outboxKey, relayKey, SHARDS, shardOf, slotOfShard } from './keys.ts';
export { createCaller, storeError, type Caller, type OnCommand } from './redis-caller.ts';
export * from './run-log.ts';
export * from './run-log-redis.ts';
