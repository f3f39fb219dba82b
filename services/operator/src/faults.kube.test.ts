import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import type { KubeObject } from '@runnel/kube';
import { noKubeServer } from '@runnel/kube/testing';
import { MODELS, NS, startStage, type Stage } from '../testing/stage.ts';
import type { ChatModel } from './kinds/chat-model.ts';

/** What is promised after any of these: the truth is back. */
const BACK = { deadlineMs: 10_000, everyMs: 100 };
/** A process starts slowly on a busy machine, which is no fault. */
const STARTED = { deadlineMs: 40_000, everyMs: 100 };
const MANY = 1_000;

describe.skipIf(noKubeServer)('faults at a real API server', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
    await stage.pod('ai-1', 'ai');
  }, 120_000);
  afterAll(() => stage.close());

  const applied = async (name: string): Promise<void> => {
    await stage.apply(name, { provider: 'demo' });
    await waitFor(async () => (await stage.ready(name)) === 'True Serving', { ...BACK, what: `${name} to be ready` });
  };

  test('of two at once one leads; one that is killed is replaced, and one that was asleep writes nothing any more', async () => {
    const first = stage.operatorProcess('first');
    await waitFor(async () => (await stage.holder()).startsWith('first'), { ...STARTED, what: 'first to lead' });
    const second = stage.operatorProcess('second');
    await applied('one');
    expect(await stage.holder()).toMatch(/^first/);

    first.kill('SIGSTOP');
    await waitFor(async () => (await stage.holder()).startsWith('second'), { ...STARTED, what: 'second to lead' });
    await applied('two');
    first.kill('SIGCONT');
    await applied('three');
    expect(await stage.holder()).toMatch(/^second/);

    second.kill('SIGKILL');
    await applied('four');
    expect(await stage.holder()).toMatch(/^first/);
    first.kill('SIGKILL');
  });

  test('a server that is away and comes back: what was published stays, what changed meanwhile counts within ten seconds', async () => {
    const operator = stage.operator();
    await applied('before');
    await stage.server.stop();
    await waitFor(() => !operator.leads(), BACK);
    await stage.server.start();
    expect((await stage.published()).map(({ id }) => id)).toContain('before');
    await applied('after');
    expect((await stage.published()).map(({ id }) => id)).toContain('before');
  });

  test('a status that somebody else wrote, and a published file that was taken away, are true again', async () => {
    const status = { conditions: [], pods: '9/9' };
    await stage.api.patch(`${MODELS}/one/status`, 'merge', { status });
    await stage.remove(`${NS}/secrets/runnel-model-keys`);
    await waitFor(async () => (await stage.ready('one')) === 'True Serving', BACK);
    await waitFor(() => stage.api.find(`${NS}/secrets/runnel-model-keys`), BACK);
    expect((await stage.api.get<ChatModel>(`${MODELS}/one`)).status?.pods).toBe('1/1');
  });

  test(`${MANY} models: all are published, with their statuses, and a change of one is as quick as before`, async () => {
    const names = Array.from({ length: MANY }, (_, i) => `many-${String(i).padStart(4, '0')}`);
    const spec = { provider: 'openai-compatible', baseURL: 'https://models.example.org/v1', system: 'Be brief.' };
    for (let at = 0; at < MANY; at += 20) await Promise.all(names.slice(at, at + 20).map((name) => stage.apply(name, spec)));
    await waitFor(async () => (await stage.published()).filter(({ id }) => id.startsWith('many-')).length === MANY, {
      ...BACK,
      deadlineMs: 30_000,
    });
    await waitFor(
      async () => {
        const { items } = await stage.api.get<KubeObject & { items: ChatModel[] }>(MODELS);
        return items.every(({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
      },
      { ...BACK, deadlineMs: 60_000 },
    );
    const startedAt = performance.now();
    await applied('one-more');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
