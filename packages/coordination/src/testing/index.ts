export * from './redis-cluster.ts';
export * from './redis-process.ts';
export * from './redis-sentinel.ts';
export * from './wait.ts';
