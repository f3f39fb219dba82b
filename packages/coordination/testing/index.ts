export * from './acl.ts';
export * from './store-copy.ts';
export * from './redis-cluster.ts';
export * from './redis-process.ts';
export * from './redis-sentinel.ts';
export * from './wait.ts';
export { MemoryStore } from '../src/memory/store.ts';
export { keyName, shardOf, type KeyName } from '../src/redis/keys.ts';
export { loadScript } from '../src/redis/scripts.ts';
