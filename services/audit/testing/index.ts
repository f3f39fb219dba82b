export * from './postgres.ts';
export * from './events.ts';
