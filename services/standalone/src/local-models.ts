import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_MODELS, type ModelEntry } from '@runnel/ai';
import type { Environment } from '@runnel/kit';

/** GGUF files that `npm run model` has put beside the sources. */
export const findModelFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.gguf'))
        .map((file) => join(folder, file))
    : [];

/**
 * The models of the picker: what keys and files there are, the first of them as the default, then the built-in ones, which
 * always answer. Pure.
 */
export const chooseModels = (env: Environment, modelFiles: readonly string[]): readonly ModelEntry[] => {
  const found: ModelEntry[] = [];
  if (env['OPENAI_BASE_URL'] || env['OPENAI_API_KEY']) {
    const model = env['OPENAI_MODEL'] ?? 'gpt-5-mini';
    found.push({
      id: model,
      provider: 'openai-compatible',
      model,
      baseURL: env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1',
      ...(env['OPENAI_API_KEY'] && { apiKeyEnv: 'OPENAI_API_KEY' }),
    });
  }
  if (env['ANTHROPIC_API_KEY']) {
    const model = env['ANTHROPIC_MODEL'] ?? 'claude-sonnet-4-5';
    found.push({ id: model, provider: 'anthropic', model, apiKeyEnv: 'ANTHROPIC_API_KEY' });
  }
  for (const file of modelFiles) found.push({ id: 'local', name: 'SmolLM2 (this machine)', provider: 'local', model: file });
  return [...found, ...DEFAULT_MODELS];
};
