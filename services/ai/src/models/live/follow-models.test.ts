import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHealth, createMetrics, silentLog } from '@runnel/kit';
import type { ModelEntry } from '@runnel/protocol/http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAiMetrics } from '../../metrics.ts';
import { followModels } from './follow-models.ts';
import { createLiveRegistry } from './live-registry.ts';

const entry = (id: string, change: Partial<ModelEntry> = {}): ModelEntry => ({ id, provider: 'demo', ...change });

const following = (first: ModelEntry[]) => {
  const dir = mkdtempSync(join(tmpdir(), 'runnel-models-'));
  const file = join(dir, 'models.json');
  const write = (value: unknown): void => writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  write(first);
  const models = createLiveRegistry(first, { from: 'MODELS_FILE' });
  const metrics = createMetrics('ai', { processMetrics: false });
  const health = createHealth();
  health.setReady();
  const used = { now: true };
  const deps = {
    file,
    text: JSON.stringify(first),
    models,
    uses: () => used.now,
    metrics: createAiMetrics(metrics),
    health,
    log: silentLog,
  };
  const { look, close } = followModels({ ...deps, everyMs: 1e6 });
  onTestFinished(async () => {
    close();
    await models.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const found = async (value: unknown): Promise<void> => {
    write(value);
    for (let i = 0; i < 3; i++) await look();
  };
  const ids = (): string[] => models.list().map(({ id }) => id);
  return { models, metrics, health, used, found, ids };
};

test('models are added, changed, suspended and removed; one that stays keeps its provider', async () => {
  const { models, found, ids } = following([entry('a'), entry('b')]);
  const [a, b] = [models.get('a')!, models.get('b')!];
  await found([entry('a'), entry('b', { name: 'Better' }), entry('c', { default: true })]);
  expect(ids()).toEqual(['a', 'b', 'c']);
  expect(models.get('a')!.provider).toBe(a.provider);
  expect(models.get('b')!.provider).not.toBe(b.provider);
  expect(models.list().map(({ default: isDefault }) => isDefault ?? false)).toEqual([false, false, true]);
  expect(models.get('default')!.info.id).toBe('c');
  await found([entry('a', { suspended: true }), entry('c')]);
  expect(ids()).toEqual(['c']);
  // What was asked of a suspended model is still answered; of one that is gone nothing is.
  expect(Object.keys(models.suited)).toEqual(['a', 'c', 'default']);
  expect(models.get('b')).toBeUndefined();
});

test('an answer finishes on the model it began with: it is closed when nobody uses it any more', () => {
  const models = createLiveRegistry([entry('a'), entry('b')]);
  const [a, b] = [models.get('a')!, models.get('b')!];
  const closed = vi.fn(async () => {});
  a.provider.close = closed;
  b.provider.close = () => expect.unreachable();
  models.replace([entry('a', { name: 'New' }), entry('b')]);
  models.retire((model) => model.provider === a.provider);
  expect(closed).not.toHaveBeenCalled();
  models.retire(() => false);
  models.retire(() => false);
  expect(closed).toHaveBeenCalledTimes(1);
});

test.each([
  ['half of it', '[{"id":"a","provid', 'MODELS_FILE is not valid JSON'],
  ['an unknown word', [entry('a', { provider: 'magic' as 'demo' })], 'MODELS_FILE /0/provider is "magic": one of demo, count,'],
  ['two of a name', [entry('a'), entry('a')], "MODELS_FILE /1/id is a, as another's is"],
  ['all suspended', [entry('a', { suspended: true })], 'MODELS_FILE /0/suspended'],
  ['nothing', [], 'MODELS_FILE is []'],
])('a wrong file (%s) keeps the old models, and is told in readiness, which stays green', async (_what, wrong, words) => {
  const { metrics, health, found, ids } = following([entry('a'), entry('b')]);
  await found(wrong);
  expect(ids()).toEqual(['a', 'b']);
  const ready = await health.ready();
  expect(ready).toMatchObject({ ok: true, checks: { models: { ok: false, critical: false } } });
  expect(ready.checks['models']!.error).toContain(words);
  expect(await metrics.text()).toMatch(/runnel_ai_models_file_wrong(\{[^}]*\})? 1/);
  await found([entry('b')]);
  expect(ids()).toEqual(['b']);
  expect((await health.ready()).checks['models']!.ok).toBe(true);
  expect(await metrics.text()).toMatch(/runnel_ai_models_file_wrong(\{[^}]*\})? 0/);
});

test('what was refused for a key file that is not there yet counts as soon as the file is', async () => {
  const { metrics, found, ids } = following([entry('a')]);
  const dir = mkdtempSync(join(tmpdir(), 'runnel-keys-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const apiKeyFile = join(dir, 'c.key');
  const wanted = [entry('c', { provider: 'openai-compatible', baseURL: 'http://x/v1', apiKeyFile })];
  await found(wanted);
  expect(ids()).toEqual(['a']);
  writeFileSync(apiKeyFile, 'sk');
  await found(wanted);
  expect(ids()).toEqual(['c']);
  expect(await metrics.text()).toMatch(/runnel_ai_models_file_wrong(\{[^}]*\})? 0/);
  expect(await metrics.text()).toMatch(/runnel_ai_models_file_total\{.*outcome="refused".*\} 1/);
});
