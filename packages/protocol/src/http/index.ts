export * from './access.ts';
export * from './ai.ts';
export * from './audit.ts';
export * from './figures.ts';
export * from './model-entry.ts';
export * from './model-request.ts';
export * from './parse.ts';
export * from './public.ts';
