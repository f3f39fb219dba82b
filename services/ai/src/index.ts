export * from './app.ts';
export * from './config.ts';
export { DEFAULT_MODELS } from './models/model-config.ts';
