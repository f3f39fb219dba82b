import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { noKubeServer } from '@runnel/kube/testing';
import type { ChatModel } from './kinds/chat-model.ts';
import { MODELS, NS, startStage, type PlayedPod, type Stage } from '../testing/stage.ts';

/** Of a change, until people can pick it. */
const SOON = { deadlineMs: 5_000, everyMs: 50 };
const remote = { provider: 'openai-compatible', baseURL: 'https://models.example.org/v1' };
const key = (name: string) => ({ apiKey: { secretKeyRef: { name, key: 'key' } } });

describe.skipIf(noKubeServer)('models at a real API server', () => {
  let stage: Stage;
  let ai: PlayedPod;
  beforeAll(async () => {
    stage = await startStage();
    ai = await stage.pod('ai-1', 'ai');
    stage.operator();
  }, 120_000);
  afterAll(() => stage.close());

  const ids = async (): Promise<string[]> => (await stage.published()).map(({ id }) => id);
  const ready = (name: string, words: string) =>
    waitFor(async () => (await stage.ready(name)) === words, { ...SOON, what: `${name} ${words}` }).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${await stage.ready(name)}`);
    });

  test('without any there are those that are built in', async () => {
    await waitFor(async () => (await ids()).join() === 'demo,count', SOON);
  });

  test('one that is applied is published within seconds, with its status true', async () => {
    await stage.apply('first', { provider: 'demo', name: 'First' });
    await ready('first', 'True Serving');
    expect(await stage.published()).toEqual([{ id: 'first', provider: 'demo', name: 'First' }]);
    const pod = await stage.api.get(`${NS}/pods/ai-1`);
    expect(pod.metadata?.annotations?.['runnel.dev/published']).toMatch(/^[0-9a-f]{16}$/);
  });

  test('a key comes from a Secret that consents, follows it, and outlives it for a while', async () => {
    await stage.apply('gpt', { ...remote, ...key('openai') });
    await ready('gpt', 'False SecretMissing');
    expect(await ids()).not.toContain('gpt');
    await stage.secret('openai', 'sk-one', false);
    await ready('gpt', 'False NotConsented');
    expect(await stage.keyOf('gpt')).toBeUndefined();
    await stage.secret('openai', 'sk-one');
    await ready('gpt', 'True Serving');
    expect(await stage.keyOf('gpt')).toBe('sk-one');
    expect((await stage.published()).find(({ id }) => id === 'gpt')).toEqual({
      ...{ id: 'gpt', ...remote, apiKeyFile: '/etc/runnel/models/gpt.key' },
    });
    await stage.secret('openai', 'sk-two');
    await waitFor(async () => (await stage.keyOf('gpt')) === 'sk-two', SOON);
    await stage.remove(`${NS}/secrets/openai`);
    await waitFor(async () => {
      const { status } = await stage.api.get<ChatModel>(`${MODELS}/gpt`);
      return status?.conditions?.some(({ type, reason }) => type === 'CredentialsFound' && reason === 'SecretMissing');
    }, SOON);
    expect(await stage.ready('gpt')).toBe('True Serving');
    expect(await stage.keyOf('gpt')).toBe('sk-two');
    await stage.secret('openai', 'sk-three');
    await waitFor(async () => (await stage.keyOf('gpt')) === 'sk-three', SOON);
  });

  test('one that fails says so, since when and why; and is well again', async () => {
    ai.models['gpt'] = {
      ok: 1,
      failed: 5,
      firstTextP95Ms: 812,
      lastFailure: { code: 'model-failed', at: Date.parse('2026-01-02T03:04:05Z') },
    };
    await ready('gpt', 'False Failing');
    const { status } = await stage.api.get<ChatModel>(`${MODELS}/gpt`);
    expect(status).toMatchObject({
      ...{ pods: '1/1', firstTextP95: '0.81s', failing: '5/6', lastFailure: { code: 'model-failed', at: '2026-01-02T03:04:05Z' } },
    });
    ai.models['gpt'] = { ok: 9, failed: 0 };
    await ready('gpt', 'True Serving');
    if (stage.server.kubectl) expect(await stage.server.kubectl('describe', 'chm', 'gpt')).toMatch(/Warning\s+Failing/);
  });

  test('one that is suspended cannot be picked, and its answers may finish', async () => {
    await stage.apply('gpt', { ...remote, ...key('openai'), suspended: true });
    await ready('gpt', 'False Suspended');
    expect((await stage.published()).find(({ id }) => id === 'gpt')?.suspended).toBe(true);
    await stage.apply('gpt', { ...remote, ...key('openai') });
    await ready('gpt', 'True Serving');
  });

  test('one that is deleted while it answers is suspended, with its key, until the answers have ended', async () => {
    ai.models['gpt'] = { running: 2 };
    await waitFor(async () => (await stage.api.get<ChatModel>(`${MODELS}/gpt`)).status?.running === 2, SOON);
    await stage.remove(`${MODELS}/gpt`);
    await waitFor(async () => (await stage.published()).find(({ id }) => id === 'gpt')?.suspended === true, SOON);
    expect(await stage.keyOf('gpt')).toBe('sk-three');
  });

  test('the last one stays: pods refuse a file that offers nothing', async () => {
    await stage.apply('first', { provider: 'demo', name: 'First', suspended: true });
    await waitFor(async () => {
      const { status } = await stage.api.get<ChatModel>(`${MODELS}/first`);
      return status?.conditions?.some(({ reason }) => reason === 'LastOne');
    }, SOON);
    expect(await stage.ready('first')).toBe('True Serving');
    expect((await stage.published()).find(({ id }) => id === 'first')?.suspended).toBeUndefined();
    await stage.apply('first', { provider: 'demo', name: 'First' });
  });

  test('what somebody changed by hand is as it should be again', async () => {
    await stage.api.patch(`${NS}/configmaps/runnel-models`, 'merge', { data: { 'models.json': 'broken' } });
    await waitFor(async () => (await stage.published()).some(({ id }) => id === 'first'), SOON);
    await stage.remove(`${NS}/configmaps/runnel-models`);
    await waitFor(async () => (await ids()).includes('first'), SOON);
  });
});
