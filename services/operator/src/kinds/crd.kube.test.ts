import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noKubeServer, startKubeServer, type KubeServer } from '@runnel/kube/testing';
import { waitFor } from '@runnel/kit';
import { StatusError, type KubeObject } from '@runnel/kube';
import { crds } from './crd.ts';

const MODELS = '/apis/runnel.dev/v1alpha1/namespaces/chat/chatmodels';
const CLUSTERS = '/apis/runnel.dev/v1alpha1/namespaces/chat/chatclusters';

describe.skipIf(noKubeServer)('the kinds at a real API server', () => {
  let server: KubeServer;
  beforeAll(async () => {
    server = await startKubeServer();
    for (const crd of crds()) await server.api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    await waitFor(() => server.api.get(CLUSTERS), { deadlineMs: 20_000 });
    await waitFor(() => server.api.get(MODELS), { deadlineMs: 20_000 });
  }, 120_000);
  afterAll(() => server.close());

  const create = (path: string, kind: string, name: string, spec: object) =>
    server.api.create<KubeObject>(path, { apiVersion: 'runnel.dev/v1alpha1', kind, metadata: { name }, spec } as KubeObject);
  const wordsOf = async (tried: Promise<unknown>): Promise<string> => {
    const error = await tried.then(
      () => new Error('accepted'),
      (refused: Error) => refused,
    );
    return error instanceof StatusError && error.status === 422 ? error.message : `not refused: ${error.message}`;
  };
  const apiKey = { secretKeyRef: { name: 's', key: 'k' } };

  test.each([
    ['demo', { provider: 'demo' }],
    [
      'gpt',
      { provider: 'openai-compatible', baseURL: 'https://x/v1', apiKey, headers: { 'x-a': 'b' }, body: { reasoning: { effort: 1 } } },
    ],
    ['claude', { provider: 'anthropic', apiKey, timeouts: { firstTokenMs: 1000 }, price: { input: 0.25, output: 2 } }],
    ['group', { provider: 'demo', access: { groups: ['staff'] }, fallback: ['demo'], maxConcurrentRuns: 3 }],
    [
      'pool',
      {
        provider: 'openai-compatible',
        endpoints: [
          { baseURL: 'https://x/v1', weight: 3, apiKey },
          { baseURL: 'https://y/v1', weight: 0 },
        ],
      },
    ],
    ['azure', { provider: 'openai-compatible', baseURL: 'https://x/v1', headersFrom: { 'api-key': apiKey } }],
  ])('%s is accepted', async (name, spec) => {
    await create(MODELS, 'ChatModel', name, spec);
    const kept = await server.api.get<KubeObject & { spec: object }>(`${MODELS}/${name}`);
    expect(kept.spec).toEqual(spec);
  });

  test.each([
    ['no-url', { provider: 'openai-compatible' }, /baseURL is missing/],
    ['no-key', { provider: 'anthropic' }, /apiKey is missing/],
    ['magic', { provider: 'magic' }, /Unsupported value: "magic"/],
    ['path', { provider: 'openai-compatible', baseURL: 'ftp://x' }, /spec\.baseURL/],
    [
      'both',
      { provider: 'openai-compatible', baseURL: 'https://x', endpoints: [{ baseURL: 'https://y' }] },
      /endpoints and baseURL are both set/,
    ],
    ['drained', { provider: 'openai-compatible', endpoints: [{ baseURL: 'https://y', weight: 0 }] }, /none would be asked/],
    ['keyless', { provider: 'anthropic', endpoints: [{ baseURL: 'https://y' }] }, /apiKey is missing/],
    ['header', { provider: 'demo', headersFrom: { a: apiKey } }, /headersFrom applies to/],
    ['nobody', { provider: 'demo', access: {} }, /nobody could ask it/],
    ['foreign', { provider: 'anthropic', apiKey, seed: 3 }, /apply to openai-compatible only/],
    [`long-${'x'.repeat(70)}`, { provider: 'demo' }, /longer than an id may be/],
  ])('%s is refused, and told why', async (name, spec, words) => {
    expect(await wordsOf(create(MODELS, 'ChatModel', name, spec))).toMatch(words);
  });

  test('an id stays as it is', async () => {
    await create(MODELS, 'ChatModel', 'named', { provider: 'demo', id: 'a/b' });
    const change = (spec: object) => server.api.patch(`${MODELS}/named`, 'merge', { spec });
    expect(await wordsOf(change({ id: 'a/c' }))).toMatch(/id cannot be changed/);
    expect(await wordsOf(change({ id: null }))).toMatch(/id cannot be changed/);
    await change({ name: 'Other' });
  });

  test('a cluster has bounds that fit, and defaults', async () => {
    expect(await wordsOf(create(CLUSTERS, 'ChatCluster', 'wrong', { ai: { min: 3, max: 2, target: 10 } }))).toMatch(/min is above max/);
    await create(CLUSTERS, 'ChatCluster', 'runnel', { ai: { min: 1, max: 2, target: 10 }, rolloutGate: {} });
    expect((await server.api.get<KubeObject & { spec: object }>(`${CLUSTERS}/runnel`)).spec).toEqual({
      paused: false,
      ai: { min: 1, max: 2, target: 10, upPerMinute: 8, downAfterSeconds: 300 },
      rolloutGate: { maxFailedPercent: 10, minAnswers: 5, onBreach: 'Hold' },
    });
  });

  test('kubectl explain reads well: every field has its sentence', async () => {
    if (server.kubectl === undefined) return;
    const words = await server.kubectl('explain', 'chatmodel.spec');
    expect(words).toMatch(/FIELD: spec <Object>/);
    expect(words).toMatch(/What a prompt names, and what answers are kept under/);
    for (const kind of ['chatmodel', 'chatcluster'])
      expect(await server.kubectl('explain', `${kind}.spec`, '--recursive=false')).not.toMatch(/<no description>/);
    expect(await server.kubectl('get', 'chm,chc')).toMatch(/PROVIDER\s+READY\s+REASON/);
  });
});
