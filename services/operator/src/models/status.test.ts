import { expect, test } from 'vitest';
import { hashOfEntry, type AiFigures, type ModelEntry, type ModelFigures } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';
import type { Verdict } from './publish.ts';
import { standingOf, statusOf } from './status.ts';

const entry: ModelEntry = { id: 'm', provider: 'demo' };
const pod = (figures: Partial<ModelFigures> | null): AiFigures => ({
  ...{ runs: 0, ended: { ok: 0, failed: 0 }, problems: [] },
  models: figures ? { m: { hash: hashOfEntry(entry), running: 0, ok: 0, failed: 0, firstTextP95Ms: null, ...figures } } : {},
});
const NOW = Date.parse('2026-01-02T03:04:05Z');
const model = (spec: object = {}, status?: ChatModel['status']): ChatModel =>
  ({ metadata: { name: 'm', generation: 3 }, spec: { provider: 'demo', ...spec }, ...(status && { status }) }) as ChatModel;
const readyOf = (verdict: Verdict, pods: readonly AiFigures[], spec: object = {}) => {
  const { conditions } = statusOf({ model: model(spec), verdict, standing: standingOf(entry, 'm', pods), now: NOW });
  const { status, reason } = conditions!.find(({ type }) => type === 'Ready')!;
  return `${status} ${reason}`;
};
const apiKey = { apiKey: { secretKeyRef: { name: 's', key: 'k' } } };
const well = [pod({}), pod({})];

test.each<[string, Verdict, readonly AiFigures[], object?]>([
  ['True Serving', { word: 'published' }, well],
  ['True Serving', { word: 'published' }, [pod({}), pod(null)]],
  ['False Suspended', { word: 'suspended' }, well],
  ['False Wrong', { word: 'wrong', problems: ['/x'], kept: true }, well],
  ['False SameId', { word: 'same-id', other: 'o' }, well],
  ['False TooMany', { word: 'too-many' }, well],
  ['False SecretMissing', { word: 'key-missing', why: 'no-secret', ref: 's/key', kept: false }, well, apiKey],
  ['True Serving', { word: 'key-missing', why: 'no-secret', ref: 's/key', kept: true }, well, apiKey],
  ['False Suspended', { word: 'key-missing', why: 'no-secret', ref: 's/key', kept: true }, well, { ...apiKey, suspended: true }],
  ['False Suspended', { word: 'key-missing', why: 'no-secret', ref: 's/key', kept: false }, well, { ...apiKey, suspended: true }],
  ['True Serving', { word: 'last-one' }, well, { suspended: true }],
  ['Unknown NoFigures', { word: 'published' }, []],
  ['False WaitingForPods', { word: 'published' }, [pod(null)]],
  ['False WaitingForPods', { word: 'published' }, [pod({ hash: 'another' })]],
  ['False Failing', { word: 'published' }, [pod({ ok: 1, failed: 1 }), pod({ failed: 2 })]],
  ['False Failing', { word: 'published' }, [pod({ failed: 1 })]],
  ['True Serving', { word: 'published' }, [pod({ ok: 9, failed: 3 })]],
])('%s where the object is %j', (words, verdict, pods, spec) => {
  expect(readyOf(verdict, pods, spec)).toBe(words);
});

test('pods are added up; the slowest speaks for all, and the newest failure', () => {
  const pods = [
    pod({ running: 2, ok: 5, firstTextP95Ms: 400, lastFailure: { code: 'unavailable', at: NOW - 9_000 } }),
    pod({ running: 1, ok: 4, failed: 1, firstTextP95Ms: 12_345, lastFailure: { code: 'rate-limited', at: NOW - 1_000 } }),
  ];
  const status = statusOf({ model: model(), verdict: { word: 'published' }, standing: standingOf(entry, 'm', pods), now: NOW });
  expect(status).toMatchObject({
    ...{ observedGeneration: 3, id: 'm', pods: '2/2', running: 3, firstTextP95: '12s', failing: '1/10' },
    lastFailure: { code: 'rate-limited', at: '2026-01-02T03:04:04Z' },
  });
});

test('a condition keeps its time for as long as its status is the same, and the same situation gives the same status', () => {
  const input = { verdict: { word: 'published' } as Verdict, standing: standingOf(entry, 'm', well), now: NOW };
  const first = statusOf({ ...input, model: model() });
  const later = { ...input, now: NOW + 60_000 };
  expect(statusOf({ ...later, model: model({}, first) })).toEqual(first);
  const suspended = statusOf({ ...later, verdict: { word: 'suspended' }, model: model({}, first) });
  const times = Object.fromEntries(suspended.conditions!.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  expect(times).toMatchObject({ Ready: '2026-01-02T03:05:05Z', Accepted: '2026-01-02T03:04:05Z' });
});

test('endpoints that rest in some pod are counted and named; the model is ready as long as it answers', () => {
  const endpoints = (...resting: boolean[]) => ({ endpoints: resting.map((rests, at) => ({ name: `e${at}`, resting: rests })) });
  const pods = [pod({ ok: 3, ...endpoints(false, true, false) }), pod({ ok: 1, ...endpoints(false, false, true) })];
  const status = statusOf({ model: model(), verdict: { word: 'published' }, standing: standingOf(entry, 'm', pods), now: NOW });
  expect(status.endpoints).toBe('1/3');
  expect(status.conditions!.find(({ type }) => type === 'Reachable')).toMatchObject({
    status: 'True',
    message: '4 of 4 answers were complete. Endpoints that rest after failures: e1, e2.',
  });
  expect(status.conditions![0]).toMatchObject({ type: 'Ready', status: 'True' });
});
