import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_MODELS } from '@runnel/ai';
import type { ModelEntry } from '@runnel/protocol/http';
import type { Environment } from '@runnel/kit';

/** What `npm run model` has put beside the sources: its entries whose file is (still) there. */
export const findLocalModels = (folder: string): ModelEntry[] => {
  const list = join(folder, 'models.json');
  if (!existsSync(list)) return [];
  const entries = JSON.parse(readFileSync(list, 'utf8')) as ModelEntry[];
  return entries.filter(({ provider, model }) => provider === 'local' && model !== undefined && existsSync(model));
};

/**
 * The models of the picker: what keys and files there are, the first of them as the default, then the built-in ones, which
 * always answer. Pure.
 */
export const chooseModels = (env: Environment, local: readonly ModelEntry[]): ModelEntry[] => {
  const found: ModelEntry[] = [];
  if (env['OPENAI_BASE_URL'] || env['OPENAI_API_KEY']) {
    const id = env['OPENAI_MODEL'] ?? 'gpt-5-mini';
    const baseURL = env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
    found.push({ id, provider: 'openai-compatible', baseURL, ...(env['OPENAI_API_KEY'] && { apiKeyEnv: 'OPENAI_API_KEY' }) });
  }
  if (env['ANTHROPIC_API_KEY']) {
    found.push({ id: env['ANTHROPIC_MODEL'] ?? 'claude-sonnet-4-5', provider: 'anthropic', apiKeyEnv: 'ANTHROPIC_API_KEY' });
  }
  return [...found, ...local, ...DEFAULT_MODELS];
};
