export * from './redis-cluster.ts';
export * from './redis-process.ts';
export * from './wait.ts';
