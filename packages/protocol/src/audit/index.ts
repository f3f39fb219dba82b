export * from './data.ts';
export * from './event.ts';
export * from './parse.ts';
export * from './trail.ts';
