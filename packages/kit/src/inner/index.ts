export * from './door.ts';
export * from './token.ts';
