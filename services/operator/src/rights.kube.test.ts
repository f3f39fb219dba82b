import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '@runnel/kit';
import { createKubeApi, type KubeObject } from '@runnel/kube';
import { noKubeServer } from '@runnel/kube/testing';
import type { ChatCluster } from './kinds/chat-cluster.ts';
import type { ChatModel } from './kinds/chat-model.ts';
import { CLUSTERS, MODELS, NS, startStage, type Stage } from '../testing/stage.ts';

const TEMPLATE = join(import.meta.dirname, '../../../helm/runnel/templates/operator.yaml');
const RBAC = '/apis/rbac.authorization.k8s.io/v1/namespaces/chat';
const REVIEWS = '/apis/authorization.k8s.io/v1/namespaces/chat/localsubjectaccessreviews';
const SOON = { deadlineMs: 15_000, everyMs: 100 };
const keyed = { provider: 'openai-compatible', baseURL: 'https://models.example.org/v1' };

/** The rules that the chart gives with scaling and the gate asked for: what it renders differs in names alone. */
const rulesOfChart = async (): Promise<object[]> => {
  const [, role = ''] = /\nkind: Role\n([^]*?)\n---\n/.exec(await readFile(TEMPLATE, 'utf8')) ?? [];
  const plain = role
    .slice(role.indexOf('rules:'))
    .replaceAll('{{ $fullname }}', 'runnel')
    .replaceAll('{{ toJson $scaled }}', '[runnel-gateway, runnel-ai]')
    .split('\n')
    .filter((line) => !line.includes('{{'));
  return (parse(plain.join('\n')) as { rules: object[] }).rules;
};

describe.skipIf(noKubeServer)('the rights that the chart gives', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
    await stage.api.create(`${RBAC}/roles`, {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'operator' }, rules: await rulesOfChart() },
    } as KubeObject);
    await stage.api.create(`${RBAC}/rolebindings`, {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'operator' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'operator' },
      subjects: [{ kind: 'User', name: 'operator', apiGroup: 'rbac.authorization.k8s.io' }],
    } as KubeObject);
    await stage.pod('ai-1', 'ai');
    await stage.deployment('ai', 1);
  }, 180_000);
  afterAll(() => stage?.close());

  test('are enough for all it does: models, keys, statuses, events, scaling', { timeout: 120_000 }, async () => {
    const operator = stage.operator('operator');
    await stage.secret('openai', 'sk-one');
    await stage.apply('gpt', { ...keyed, apiKey: { secretKeyRef: { name: 'openai', key: 'key' } } });
    await waitFor(async () => (await stage.ready('gpt')) === 'True Serving', { ...SOON, deadlineMs: 40_000 });
    expect(await stage.keyOf('gpt')).toBe('sk-one');
    await stage.cluster({ ai: { min: 3, max: 3, target: 10 } });
    await waitFor(async () => {
      const { spec } = await stage.api.get<KubeObject & { spec: { replicas: number } }>(
        '/apis/apps/v1/namespaces/chat/deployments/runnel-ai',
      );
      return spec.replicas === 3;
    }, SOON);
    await waitFor(async () => {
      const { items } = await stage.api.get<KubeObject & { items: { reason: string; involvedObject: { name: string } }[] }>(`${NS}/events`);
      return ['gpt', 'runnel'].every((name) => items.some(({ involvedObject }) => involvedObject.name === name));
    }, SOON);
    const { metadata } = await stage.api.get<KubeObject & { metadata: { managedFields: { manager: string; subresource?: string }[] } }>(
      `${MODELS}/gpt`,
    );
    expect(metadata.managedFields.find(({ subresource }) => subresource === 'status')?.manager).toBe('runnel-operator');
    expect(await operator.metrics.text()).toMatch(/runnel_operator_looks_total\{outcome="failed"[^}]*\} 0/);
    await operator.close();
  });

  test.each([
    ['list', 'secrets', '', undefined],
    ['delete', 'pods', '', 'ai-1'],
    ['create', 'pods', '', undefined],
    ['patch', 'deployments', 'apps', 'runnel-gateway'],
    ['delete', 'deployments', 'apps', 'runnel-ai'],
    ['patch', 'secrets', '', 'openai'],
    ['patch', 'configmaps', '', 'another'],
    ['get', 'configmaps', '', 'another'],
    ['patch', 'chatmodels', 'runnel.dev', 'gpt'],
    ['delete', 'chatmodels', 'runnel.dev', 'gpt'],
    ['update', 'leases', 'coordination.k8s.io', 'another'],
  ])('are no more: it may not %s %s (%s %s)', async (verb, resource, group, name) => {
    const review = await stage.api.create(REVIEWS, {
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'LocalSubjectAccessReview', metadata: { namespace: 'chat' } },
      spec: { user: 'operator', resourceAttributes: { namespace: 'chat', verb, resource, group, ...(name && { name }) } },
    } as KubeObject & { status?: { allowed: boolean } });
    expect(review.status?.allowed).toBe(false);
  });

  test('where one is missing, what needs it is told and the rest goes on', { timeout: 120_000 }, async () => {
    const rules = (await rulesOfChart()) as { resources: string[] }[];
    const without = rules.filter(({ resources }) => !['events', 'deployments/scale'].some((name) => resources.includes(name)));
    const plain = without.map((rule) => (rule.resources.includes('pods') ? { ...rule, verbs: ['get', 'list', 'watch'] } : rule));
    const api = createKubeApi(stage.server.admin);
    await api.patch(`${RBAC}/roles/operator`, 'merge', { rules: plain });
    const operator = stage.operator('operator');
    await stage.apply('demo', { provider: 'demo' });
    await waitFor(async () => (await stage.published()).some(({ id }) => id === 'demo'), { ...SOON, deadlineMs: 40_000 });
    // Pods cannot be touched: they see the file a minute later; the status must be true all the same.
    await waitFor(async () => (await stage.ready('demo')) === 'True Serving', SOON);
    const asked = await stage.cluster({ ai: { min: 4, max: 4, target: 10 } });
    await waitFor(async () => {
      const { status } = await stage.api.get<ChatCluster>(`${CLUSTERS}/runnel`);
      return status?.observedGeneration === asked.metadata?.generation;
    }, SOON);
    const told = await operator.metrics.text();
    for (const what of ['pod', 'scale']) expect(told).toMatch(new RegExp(`writes_total\\{what="${what}",outcome="refused"[^}]*\\} [1-9]`));
    expect(told).toMatch(/runnel_operator_scaled_total\{component="ai"[^}]*\} 0/);
    await operator.close();
    await api.close();
  });
});

const outside = { deadlineMs: 20_000, everyMs: 100 };

describe.skipIf(noKubeServer)('what outsiders try', () => {
  let stage: Stage;
  let close: () => Promise<void>;
  beforeAll(async () => {
    stage = await startStage();
    await stage.pod('ai-1', 'ai');
    ({ close } = stage.operator());
    await stage.apply('base', { provider: 'demo' });
    await waitFor(async () => (await stage.ready('base')) === 'True Serving', { ...outside, deadlineMs: 60_000 });
  }, 180_000);
  afterAll(async () => {
    await close?.();
    await stage?.close();
  });
  const ready = (name: string, words: string) =>
    waitFor(async () => (await stage.ready(name)) === words, { ...outside, what: `${name} ${words}` });

  test('odd names: dots, digits, as long as an id may be; an id with slashes and capitals', { timeout: 90_000 }, async () => {
    const names = ['a.b-c', '0', `x${'y'.repeat(63)}`, 'constructor', 'proto.key'];
    for (const name of names) await stage.apply(name, { provider: 'demo' });
    await stage.apply('slashes', { provider: 'demo', id: 'Vendor/Model:7b' });
    for (const name of [...names, 'slashes']) await ready(name, 'True Serving');
    expect((await stage.published()).map(({ id }) => id)).toEqual(expect.arrayContaining([...names, 'Vendor/Model:7b']));
  });

  test('one id twice: the older has it, and the younger takes its place when that is gone', { timeout: 90_000 }, async () => {
    await stage.apply('older', { provider: 'demo', id: 'same', name: 'Older' });
    await ready('older', 'True Serving');
    await stage.apply('younger', { provider: 'count', id: 'same' });
    await ready('younger', 'False SameId');
    expect((await stage.published()).filter(({ id }) => id === 'same')).toEqual([{ id: 'same', provider: 'demo', name: 'Older' }]);
    await stage.remove(`${MODELS}/older`);
    await ready('younger', 'True Serving');
    expect((await stage.published()).find(({ id }) => id === 'same')?.provider).toBe('count');
  });

  test('a Secret of another namespace cannot be named', { timeout: 90_000 }, async () => {
    await stage.api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } });
    await stage.api.create('/api/v1/namespaces/other/secrets', {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'theirs', labels: { 'runnel.dev/model-keys': 'true' } } },
      stringData: { key: 'sk-theirs' },
    } as KubeObject);
    const of = (name: string) => ({ ...keyed, apiKey: { secretKeyRef: { name, key: 'key' } } });
    await expect(stage.apply('path', of('../../other/secrets/theirs'))).rejects.toThrow(/secretKeyRef\.name/);
    await stage.apply('plain', of('theirs'));
    await ready('plain', 'False SecretMissing');
    expect(await stage.keyOf('plain')).toBeUndefined();
    await stage.remove(`${MODELS}/plain`);
  });

  test(
    'a model that is edited hundreds of times without a pause: few writes, and the last state is the one that counts',
    {
      timeout: 180_000,
    },
    async () => {
      const operator = stage.operator();
      const edits = 300;
      for (let i = 0; i < edits; i++) await stage.apply('busy', { provider: 'demo', name: `Name ${i}` });
      await waitFor(async () => (await stage.published()).find(({ id }) => id === 'busy')?.name === `Name ${edits - 1}`, outside);
      await ready('busy', 'True Serving');
      const { metadata, status } = await stage.api.get<ChatModel>(`${MODELS}/busy`);
      expect(status?.observedGeneration).toBe(metadata?.generation);
      await operator.close();
    },
  );

  test('headers and endpoints come from Secrets, and follow them', { timeout: 90_000 }, async () => {
    const ref = (name: string) => ({ secretKeyRef: { name, key: 'key' } });
    await stage.secret('head', 'h-one');
    await stage.secret('place', 'p-one');
    const endpoints = [
      { baseURL: 'https://a.example.org/v1', weight: 3 },
      { baseURL: 'https://b.example.org/v1', apiKey: ref('place') },
    ];
    await stage.apply('pooled', { provider: 'openai-compatible', endpoints, headersFrom: { 'api-key': ref('head') } });
    await ready('pooled', 'True Serving');
    const values = async () => {
      const { data = {} } = await stage.api.get<KubeObject & { data?: Record<string, string> }>(`${NS}/secrets/runnel-model-keys`);
      const found = Object.entries(data).filter(([file]) => file.startsWith('pooled_'));
      return found.map(([, value]) => Buffer.from(value, 'base64').toString()).toSorted();
    };
    expect(await values()).toEqual(['h-one', 'p-one']);
    await stage.secret('place', 'p-two');
    await waitFor(async () => (await values()).includes('p-two'), outside);
    await stage.remove(`${NS}/secrets/head`);
    await waitFor(async () => {
      const { status } = await stage.api.get<ChatModel>(`${MODELS}/pooled`);
      return status?.conditions?.some(({ reason, message }) => reason === 'SecretMissing' && message.startsWith('head/key'));
    }, outside);
    expect(await values()).toContain('h-one');
  });
});
