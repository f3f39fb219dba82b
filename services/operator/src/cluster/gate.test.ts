import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf, templateOf, type Deployment } from './deployment.ts';
import { HELD, gatePatch, gateStep, type PodAnswers } from './gate.ts';

const gate = { maxFailedPercent: 10, minAnswers: 5, onBreach: 'Hold' as const };
const deployment = (image: string, more: { paused?: boolean; held?: string } = {}): Deployment => ({
  metadata: { name: 'runnel-ai', ...(more.held && { annotations: { [HELD]: more.held } }) },
  spec: { template: { spec: { image } }, ...(more.paused && { paused: true }) },
});
const pod = (template: string, ok: number, failed: number): PodAnswers => ({
  ...{ template, ok, failed },
});
const two = deployment('two');
const stepOf = (of: Deployment, pods: readonly PodAnswers[], current: string | undefined = 'new') => gateStep(gate, of, pods, current);

test('new pods that break what the old ones do not are held', () => {
  const step = stepOf(two, [pod('old', 100, 1), pod('old', 50, 0), pod('new', 1, 5)]);
  expect(step).toEqual({ word: 'hold', template: templateOf(two), why: '83 % of 6 answers of the new pods failed, of the old ones 1 %' });
  expect(gatePatch(step as never)).toEqual({ metadata: { annotations: { [HELD]: templateOf(two) } }, spec: { paused: true } });
});

test.each([
  ['few answers say nothing', [pod('old', 100, 0), pod('new', 0, 4)]],
  ['a few failures are allowed', [pod('old', 100, 0), pod('new', 18, 2)]],
  ['the provider fails for all', [pod('old', 0, 50), pod('new', 0, 50)]],
  ['nobody of before is left', [pod('new', 0, 50)]],
  ['nothing is known', []],
])('%s', (_why, pods) => expect(stepOf(two, pods)).toEqual({ word: 'open' }));

test('what is held stays so; another template gets its chance; and what a person resumed is not held again', () => {
  const broken = [pod('old', 100, 0), pod('new', 0, 50)];
  const held = templateOf(two);
  expect(stepOf(deployment('two', { paused: true, held }), broken)).toEqual({ word: 'held' });
  expect(stepOf(deployment('two', { held }), broken)).toEqual({ word: 'open' });
  const step = stepOf(deployment('three', { paused: true, held }), broken);
  expect(step).toEqual({ word: 'release' });
  expect(gatePatch(step as never)).toEqual({ metadata: { annotations: { [HELD]: null } }, spec: { paused: null } });
  // Somebody else paused it: that is theirs.
  expect(stepOf(deployment('two', { paused: true }), broken)).toEqual({ word: 'open' });
});

test('the way back is not held for what the pods break that it takes away', () => {
  const broken = [pod('old', 100, 0), pod('new', 0, 50)];
  expect(stepOf(deployment('one'), broken, 'old')).toEqual({ word: 'open' });
  expect(gateStep(gate, deployment('one'), broken, undefined)).toEqual({ word: 'open' });
});

test('which pods are the new ones is what the controller has seen of the template', () => {
  const metadata = { uid: 'u', generation: 3, annotations: { 'deployment.kubernetes.io/revision': '4' } };
  const set = (revision: string, hash: string, uid = 'u') => ({
    metadata: {
      annotations: { 'deployment.kubernetes.io/revision': revision },
      labels: { 'pod-template-hash': hash },
      ownerReferences: [{ uid }],
    },
  });
  // The first template has come back: its ReplicaSet is the older one.
  const sets = [set('4', 'another', 'v'), set('4', 'old'), set('3', 'new')];
  expect(hashOf({ metadata, status: { observedGeneration: 3 } }, sets)).toBe('old');
  expect(hashOf({ metadata, status: { observedGeneration: 2 } }, sets)).toBe(undefined);
  expect(hashOf({ metadata: { ...metadata, annotations: {} }, status: { observedGeneration: 3 } }, sets)).toBe(undefined);
  expect(hashOf({ metadata, status: { observedGeneration: 3 } }, [])).toBe(undefined);
});

test('generated rollouts: nothing is held without enough answers, nor where old pods do no better', () => {
  const pods = fc.array(fc.record({ template: fc.constantFrom('old', 'new'), ok: fc.nat(50), failed: fc.nat(50) }), { maxLength: 8 });
  fc.assert(
    fc.property(pods, (all) => {
      const known = all.map(({ template, ok, failed }) => pod(template, ok, failed));
      if (stepOf(two, known).word !== 'hold') return;
      const sum = (of: string, field: 'ok' | 'failed') =>
        known.filter(({ template }) => template === of).reduce((n, one) => n + one[field], 0);
      const share = (of: string) => sum(of, 'failed') / Math.max(1, sum(of, 'ok') + sum(of, 'failed'));
      expect(sum('new', 'ok') + sum('new', 'failed')).toBeGreaterThanOrEqual(gate.minAnswers);
      expect(share('new')).toBeGreaterThan(Math.max(0.1, share('old')));
    }),
  );
});
