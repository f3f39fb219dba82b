import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_MODELS } from '@runnel/ai';
import { loadConfig } from '@runnel/kit';
import { expect, test } from 'vitest';
import { configSpec } from './config.ts';
import { chooseModels, findLocalModels } from './local-models.ts';

const ids = (models: readonly { id: string }[]): string[] => models.map((model) => model.id);

test('without keys and files the built-in models answer', () => {
  expect(chooseModels({}, [])).toEqual(DEFAULT_MODELS);
});

test('a key puts its model first, where the default is', () => {
  expect(ids(chooseModels({ OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }, []))).toEqual([
    'gpt-5-mini',
    'claude-sonnet-4-5',
    'demo',
    'count',
  ]);
});

test('an OpenAI-compatible server needs no key, and its model can be named', () => {
  const [first] = chooseModels({ OPENAI_BASE_URL: 'http://127.0.0.1:8000/v1', OPENAI_MODEL: 'llama' }, []);
  expect(first).toEqual({ id: 'llama', provider: 'openai-compatible', baseURL: 'http://127.0.0.1:8000/v1' });
});

test('a downloaded model is in the picker while its file is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-models-'));
  expect(findLocalModels(folder)).toEqual([]);
  const file = join(folder, 'small.gguf');
  const entries = [
    { id: 'small', provider: 'local', model: file },
    { id: 'lost', provider: 'local', model: `${file}.lost` },
    DEFAULT_MODELS[0],
  ];
  await writeFile(join(folder, 'models.json'), JSON.stringify(entries));
  expect(findLocalModels(folder)).toEqual([]);
  await writeFile(file, 'x');
  expect(ids(findLocalModels(folder))).toEqual(['small']);
});

test('MODELS unset leaves the choice to keys and files', () => {
  expect(loadConfig(configSpec, {}).models).toBeUndefined();
});
