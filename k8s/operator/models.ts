import { join } from 'node:path';
import { call, waitFor } from '@runnel/e2e';
import type { Release } from '../lib/release.ts';
import { step } from '../lib/step.ts';
import { ask } from './ask.ts';

const HERE = import.meta.dirname;
const DEADLINE_MS = 60_000;
/** Short, whoever answers it. */
const PROMPT = 'count 3 at 100';

/** A model as an object: every word of docs/operator.md on real pods, none of which is restarted. */
export const modelSteps = async (app: Release, origin: () => string): Promise<void> => {
  const until = (what: string, condition: () => Promise<boolean>): Promise<unknown> =>
    waitFor(condition, { deadlineMs: DEADLINE_MS, everyMs: 250, what });
  const patch = (spec: object): Promise<string> => app.kubectl('patch', 'chatmodel', 'gpt', '--type=merge', '-p', JSON.stringify({ spec }));
  const condition = async (type: string): Promise<string> => {
    const fields = ['status', 'reason'].map((field) => `{.status.conditions[?(@.type=="${type}")].${field}}`);
    return app.kubectl('get', 'chatmodel', 'gpt', '-o', `jsonpath=${fields.join(' ')}`);
  };
  const says = (type: string, words: string): Promise<unknown> =>
    until(`${type} to be ${words}`, async () => (await condition(type)) === words);
  const isOffered = async (): Promise<boolean> => {
    const { models } = (await call('GET', `${origin()}/api/models`)) as { models?: { id: string }[] };
    return models?.some(({ id }) => id === 'gpt') ?? false;
  };
  const answers = async (words: string): Promise<boolean> => (await ask(origin(), 'gpt', PROMPT)).text.includes(words);
  const seconds = (from: number): string => `${((performance.now() - from) / 1_000).toFixed(1)} s`;
  const started = (): Promise<string> =>
    app.kubectl('get', 'pods', '-l', 'app.kubernetes.io/component in (ai,gateway)', '-o', 'jsonpath={.items[*].metadata.uid}');

  let before = '';
  await step('a ChatModel is applied, offered and asked', async () => {
    await app.kubectl('apply', '-f', join(HERE, 'provider.yaml'));
    await app.kubectl('rollout', 'status', 'deploy/provider', '--timeout=120s');
    before = await started();
    const from = performance.now();
    await app.kubectl('apply', '-f', join(HERE, 'models.yaml'));
    await until('it to be offered', isOffered);
    await until('an answer with its key', () => answers('Bearer sk-first'));
    const took = seconds(from);
    await says('Ready', 'True Serving');
    return `answers ${took} after it was applied`;
  });
  await step('its key changes, and nothing else does', async () => {
    const from = performance.now();
    await app.kubectl('patch', 'secret', 'provider', '--type=merge', '-p', '{"stringData":{"key":"sk-second"}}');
    await until('an answer with the new key', () => answers('Bearer sk-second'));
    return `asked with the new one after ${seconds(from)}`;
  });
  await step('its provider is gone: another one answers, and the status says so', async () => {
    await patch({ baseURL: 'http://127.0.0.1:9/v1' });
    await until('the fallback', async () => (await ask(origin(), 'gpt', PROMPT)).model === 'demo');
    // Half of what it was asked has to have failed: answers of before count as well.
    await until('it to be unreachable', async () => {
      await ask(origin(), 'gpt', PROMPT);
      return (await condition('Reachable')) === 'False Failing';
    });
    return app.kubectl('get', 'chatmodel', 'gpt', '-o', 'jsonpath={.status.conditions[?(@.type=="Reachable")].message}');
  });
  await step('it is suspended, and deleted', async () => {
    await patch({ suspended: true });
    await says('Ready', 'False Suspended');
    await until('it not to be offered', async () => !(await isOffered()));
    await app.kubectl('delete', 'chatmodel', 'gpt');
    await until('it to be refused', async () => (await ask(origin(), 'gpt', PROMPT)).status === 404);
  });
  await step('no pod was restarted by any of that', async () => {
    const after = await started();
    if (after !== before) throw new Error(`pods before: ${before}, after: ${after}`);
    await app.kubectl('delete', '-f', join(HERE, 'provider.yaml'), '--wait=false');
  });
};
