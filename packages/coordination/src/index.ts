export * from './connect.ts';
export { channelOf, outboxKey, relayKey, SHARDS, shardOf, slotOfShard } from './keys.ts';
export { createCaller, storeError, type Caller, type OnCommand } from './redis-caller.ts';
export * from './run-ref.ts';
export * from './run-log.ts';
export * from './run-log-redis.ts';
export * from './run-log-memory.ts';
export * from './outbox.ts';
export * from './outbox-shards.ts';
