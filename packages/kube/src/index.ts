export * from './account.ts';
export * from './api.ts';
export * from './leader.ts';
export * from './list-watch.ts';
export * from './objects.ts';
export * from './reflector.ts';
