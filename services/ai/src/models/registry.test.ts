import { DEFAULT_MODEL } from '@runnel/coordination';
import { loadConfig } from '@runnel/kit';
import { describe, expect, test } from 'vitest';
import { configSpec } from '../config.ts';
import { acceptedBy } from './accepts.ts';
import { DEFAULT_MODELS, type ModelEntry } from './model-config.ts';
import { createModelRegistry } from './registry.ts';

const load = (MODELS: string): ModelEntry[] => loadConfig(configSpec, { MODELS }).models;

test('without MODELS there are demo, which answers by default, and count', () => {
  const models = createModelRegistry(DEFAULT_MODELS);
  expect(models.list()).toEqual([
    { id: 'demo', name: 'Runnel demo', provider: 'demo', canContinue: true, default: true, accepts: acceptedBy('demo', true) },
    { id: 'count', name: 'Counting words', provider: 'count', canContinue: true, accepts: acceptedBy('count', true) },
  ]);
  expect(models.suited).toEqual({ demo: true, count: true, default: true });
});

test('MODELS names providers; a remote one continues only when it says so', () => {
  const models = createModelRegistry(
    load(
      JSON.stringify([
        { id: 'gpt', provider: 'openai-compatible', baseURL: 'http://llm/v1', model: 'gpt-x', name: 'GPT', apiKeyEnv: 'KEY' },
        { id: 'vllm', provider: 'openai-compatible', baseURL: 'http://llm/v1', canContinue: true, default: true, system: 'Be kind.' },
        { id: 'claude', provider: 'anthropic', apiKeyEnv: 'KEY' },
        { id: 'small', provider: 'local', model: '/models/small.gguf' },
      ]),
    ),
    { env: { KEY: 'x' } },
  );
  expect(models.suited).toEqual({ gpt: false, vllm: true, claude: false, small: true, default: true });
  expect(models.list().find((model) => model.default)?.id).toBe('vllm');
  // What a gateway stores while no pod has told its models.
  expect(models.get(DEFAULT_MODEL)).toBe(models.get('vllm'));
  expect(models.get('gpt')).toMatchObject({ model: 'gpt-x', system: null, info: { name: 'GPT' } });
  expect(models.get('vllm')).toMatchObject({ model: 'vllm', system: 'Be kind.' });
});

describe('what does not fit is said before the start, all at once', () => {
  test('by schema', () => {
    expect(() => load('[]')).toThrow(/^MODELS /);
    expect(() => load('[{"id":"a","provider":"magic"}]')).toThrow(/^MODELS /);
    expect(() => load('[{"id":"a","provider":"demo","timeout":5}]')).toThrow(/^MODELS /);
    expect(() => load('/no/such/file.json')).toThrow(/^MODELS /);
  });

  test('between entries, and with the environment', () => {
    const entries: ModelEntry[] = [
      { id: 'a', provider: 'demo', default: true },
      { id: 'a', provider: 'openai-compatible', default: true },
      { id: 'b', provider: 'anthropic' },
      { id: 'c', provider: 'local' },
      { id: 'd', provider: 'anthropic', apiKeyEnv: 'NOT_SET' },
    ];
    expect(() => createModelRegistry(entries)).toThrow(
      [
        'MODELS: two models are named a',
        'MODELS: a needs a baseURL',
        'MODELS: b needs apiKeyEnv',
        'MODELS: c needs model, the path of a GGUF file',
        'MODELS: d wants its key in NOT_SET, which is not set',
        'MODELS: more than one is the default',
      ].join('\n'),
    );
  });
});
