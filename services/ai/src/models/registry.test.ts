import { DEFAULT_MODEL } from '@runnel/coordination';
import { loadConfig } from '@runnel/kit';
import { describe, expect, test } from 'vitest';
import { configSpec } from '../config.ts';
import type { ModelEntry } from '@runnel/protocol/http';
import { DEFAULT_MODELS } from './model-config.ts';
import { acceptedBy } from './accepts.ts';
import { createModelRegistry } from './registry.ts';

const load = (MODELS: string): ModelEntry[] => loadConfig(configSpec, { MODELS }).models;

test('without MODELS there are demo, which answers by default, and count', () => {
  const models = createModelRegistry(DEFAULT_MODELS);
  expect(models.list()).toEqual([
    {
      id: 'demo',
      name: 'Runnel demo',
      provider: 'demo',
      canContinue: true,
      default: true,
      vision: true,
      tools: true,
      accepts: acceptedBy('demo', true),
    },
    {
      id: 'count',
      name: 'Counting words',
      provider: 'count',
      canContinue: true,
      vision: true,
      tools: true,
      accepts: acceptedBy('count', true),
    },
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

test('what a model can is told flat, and what it can not is absent', () => {
  const can = { vision: true, tools: true, reasoning: false, contextTokens: 8_192, price: { input: 0.5, output: 1.5 } };
  const [first, second] = createModelRegistry([
    { id: 'a', provider: 'openai-compatible', baseURL: 'http://llm/v1', ...can },
    { id: 'b', provider: 'demo', tools: false },
  ]).list();
  expect(first).toEqual({
    accepts: acceptedBy('openai-compatible', false),
    ...{ id: 'a', name: 'a', provider: 'openai-compatible', canContinue: false, default: true },
    ...{ vision: true, tools: true, contextTokens: 8_192, promptTokens: 6_144, price: { input: 0.5, output: 1.5 } },
  });
  expect(second).toEqual({ id: 'b', name: 'b', provider: 'demo', canContinue: true, accepts: acceptedBy('demo', true) });
});

describe('what does not fit is said before the start, all at once', () => {
  test('a fallback that is no other entry of the list', () => {
    const entries: ModelEntry[] = [
      { id: 'a', provider: 'demo', fallback: ['b', 'a', 'c'] },
      { id: 'b', provider: 'count', fallback: ['a'] },
    ];
    expect(() => createModelRegistry(entries)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /\/0\/fallback\/1 is a: .*\(model a\)[^]*\/0\/fallback\/2 is c: the id of another entry of this list is allowed/,
        ),
      }),
    );
    const models = createModelRegistry([
      { ...entries[0]!, fallback: ['b'] },
      { ...entries[1]!, suspended: true },
    ]);
    expect(models.get('a')).toMatchObject({ fallback: ['b'], suspended: false });
    expect(models.get('b')).toMatchObject({ fallback: ['a'], suspended: true });
  });

  test('by schema', () => {
    expect(() => load('[]')).toThrow(/^MODELS /);
    expect(() => load('[{"id":"a","provider":"magic"}]')).toThrow(
      'MODELS /0/provider is "magic": one of demo, count, openai-compatible, anthropic, local',
    );
    expect(() => load('[{"id":"a","provider":"demo","timeout":5}]')).toThrow(/^MODELS \/0\/timeout is not known: one of id, provider, /);
    expect(() => load('/no/such/file.json')).toThrow(/^MODELS /);
  });

  test.each<[Partial<ModelEntry>, string]>([
    [{ provider: 'anthropic', apiKeyEnv: 'KEY', seed: 1 }, '/0/seed does not apply to provider anthropic'],
    [{ provider: 'demo', headers: { a: 'b' } }, '/0/headers does not apply to provider demo'],
    [{ apiKeyEnv: 'KEY', apiKeyFile: '/etc/hostname' }, '/0/apiKeyFile and apiKeyEnv are both set'],
    [{ apiKeyFile: '/no/such/key' }, '/0/apiKeyFile is /no/such/key, which cannot be read'],
    [{ headersEnv: { 'api-key': 'NOT_SET' } }, '/0/headersEnv/api-key is NOT_SET, which is not set'],
    [{ proxyEnv: 'KEY' }, '/0/proxyEnv is KEY, which holds no address that begins http:// or https://'],
    [{ proxyEnv: 'KEY', proxy: 'http://p' }, '/0/proxyEnv and proxy are both set'],
    [{ body: { stream: false } }, '/0/body/stream is what Runnel says itself'],
  ])('of one entry: %j', (change, problem) => {
    const entry = { id: 'a', provider: 'openai-compatible' as const, baseURL: 'http://llm/v1', ...change };
    expect(() => createModelRegistry([entry], { env: { KEY: 'k' } })).toThrow(`MODELS ${problem}`);
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
        'MODELS /1/baseURL is missing: openai-compatible needs it, or endpoints (model a)',
        "MODELS /1/id is a, as another's is: each model has an id of its own (model a)",
        'MODELS /2/apiKeyEnv is missing: anthropic needs it, or apiKeyFile (model b)',
        'MODELS /3/model is missing: local needs the path of a GGUF file (model c)',
        'MODELS /4/apiKeyEnv is NOT_SET, which is not set in the environment (model d)',
        'MODELS /0/default and /1/default are true: one model at most is the default',
      ].join('\n'),
    );
  });
});
