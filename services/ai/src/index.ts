export * from './app.ts';
export * from './config.ts';
export { DEFAULT_MODELS, type ModelEntry } from './models/model-config.ts';
