export * from './ai.ts';
export * from './audit.ts';
export * from './parse.ts';
export * from './public.ts';
