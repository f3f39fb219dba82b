export * from './redis-cluster.ts';
export * from './redis-process.ts';
export * from './redis-sentinel.ts';
export * from './wait.ts';
export { MemoryStore } from '../memory-store.ts';
export { keyName, shardOf, type KeyName } from '../keys.ts';
export { loadScript } from '../scripts.ts';
