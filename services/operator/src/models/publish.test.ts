import fc from 'fast-check';
import { expect, test } from 'vitest';
import { schemaProblems } from '@runnel/kit';
import { isForAllOf, ModelEntries } from '@runnel/protocol/http';
import type { ChatModel } from '../kinds/chat-model.ts';
import { filesOf, refName, secretsOf } from './entry.ts';
import { desiredOf, type Desired, type Key, type Observed, type Published } from './publish.ts';

const DIR = '/etc/runnel/models';
const MINUTES = 60_000;

const model = (name: string, spec: Partial<ChatModel['spec']> = {}, age = 0): ChatModel => ({
  metadata: { name, creationTimestamp: `2026-01-01T00:00:${String(age).padStart(2, '0')}Z` },
  spec: { provider: 'demo', ...spec } as ChatModel['spec'],
});
const secretOf = (name: string) => ({ apiKey: { secretKeyRef: { name, key: 'key' } } });
const remote = { provider: 'openai-compatible', baseURL: 'https://x/v1' } as const;

const look = (models: readonly ChatModel[], more: Partial<Observed> = {}): Desired =>
  desiredOf({ models, keys: new Map(), before: null, running: new Map(), now: 1_000_000, ...more }, DIR);
const words = ({ verdicts }: Desired) => Object.fromEntries([...verdicts].map(([name, { word }]) => [name, word]));
const found = (text: string): Key => ({ found: Buffer.from(text).toString('base64') });

const aModel = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    id: fc.option(fc.constantFrom('a', 'b', 'x/y'), { nil: undefined }),
    age: fc.integer({ min: 0, max: 3 }),
    kind: fc.constantFrom('demo', 'remote', 'keyed', 'headed', 'pooled', 'wrong'),
    places: fc.array(
      fc.record({
        baseURL: fc.constantFrom('https://e/v1', 'https://f/v1', 'http://'),
        weight: fc.nat(2),
        apiKey: fc.option(fc.constantFrom('s', 't'), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    access: fc.option(fc.record({ groups: fc.subarray(['g', 'h'], { minLength: 1 }) }), { nil: undefined }),
    isDefault: fc.boolean(),
    suspended: fc.boolean(),
    secret: fc.constantFrom('s', 't'),
    fallback: fc.option(fc.array(fc.constantFrom('a', 'b', 'nowhere'), { minLength: 1, maxLength: 3 }), { nil: undefined }),
  })
  .map(({ name, id, age, kind, places, access, isDefault, suspended, secret, fallback }) =>
    model(
      name,
      {
        ...(kind === 'demo' ? { provider: 'demo' } : kind === 'wrong' ? ({ provider: 'magic' } as never) : remote),
        ...(kind === 'keyed' && secretOf(secret)),
        ...(kind === 'headed' && { headersFrom: { 'api-key': secretOf(secret).apiKey, 'x-other': secretOf('t').apiKey } }),
        ...(kind === 'pooled' && {
          baseURL: undefined,
          endpoints: places.map(({ apiKey, ...place }) => ({ ...place, ...(apiKey && secretOf(apiKey)) })),
        }),
        ...(access && { access }),
        ...(id !== undefined && { id }),
        ...(isDefault && { default: true }),
        ...(suspended && { suspended: true }),
        ...(fallback && { fallback }),
      } as Partial<ChatModel['spec']>,
      age,
    ),
  );
const someModels = fc.uniqueArray(aModel, { selector: ({ metadata }) => metadata!.name, maxLength: 5 });
const aKey: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom(...['one', 'two'].map(found)),
  fc.constantFrom('no-secret', 'no-key', 'not-consented', 'empty', 'unread').map((missing): Key => ({ missing })),
);
const someKeys = fc.record({ s: aKey, t: aKey }).map(
  ({ s, t }) =>
    new Map([
      ['s/key', s],
      ['t/key', t],
    ]),
);
const aSituation = fc.record({
  models: someModels,
  keys: someKeys,
  running: fc.option(fc.constant(new Map([['a', 1]])), { nil: undefined }),
});

/** What must hold of anything that pods are given. */
const expectWhole = ({ entries, keys, leaving }: Published): void => {
  expect(schemaProblems(ModelEntries, entries)).toEqual([]);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  expect(entries.filter((entry) => entry.default && !entry.suspended).length).toBeLessThanOrEqual(1);
  expect(entries.some(({ suspended }) => !suspended)).toBe(true);
  const files = entries.flatMap((entry) => filesOf(entry, DIR));
  expect(Object.keys(keys).toSorted()).toEqual([...new Set(files)].toSorted());
  for (const { id, access, fallback = [] } of entries)
    for (const other of fallback)
      expect(other !== id && entries.some((entry) => entry.id === other && isForAllOf(access, entry.access))).toBe(true);
  for (const id of Object.keys(leaving)) expect(entries.find((entry) => entry.id === id)?.suspended).toBe(true);
};

test('whatever people make and whatever becomes of Secrets, pods are given a file that they take', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(aSituation, fc.integer({ min: 0, max: 20 * MINUTES })), { minLength: 1, maxLength: 6 }), (steps) => {
      let before: Published | null = null;
      let now = 0;
      for (const [situation, after] of steps) {
        now += after;
        const desired = desiredOf({ ...situation, before, now }, DIR);
        expectWhole(desired.published);
        expect(desired.verdicts.size).toBe(situation.models.length);
        // A second look changes nothing, and neither does the order in which objects were listed.
        const again = desiredOf({ ...situation, before: desired.published, now }, DIR);
        expect(again.published).toEqual(desired.published);
        expect(desiredOf({ ...situation, models: situation.models.toReversed(), before, now }, DIR)).toEqual(desired);
        before = desired.published;
      }
    }),
    { numRuns: 150 },
  );
});

test('an object that is right, with its key there, is published as it says, whatever was before', () => {
  fc.assert(
    fc.property(aSituation, aSituation, (first, { models, keys }) => {
      const { published: before } = desiredOf({ ...first, before: null, now: 0 }, DIR);
      const { published, verdicts } = desiredOf({ models, keys, running: undefined, before, now: 1 }, DIR);
      for (const one of models) {
        if (verdicts.get(one.metadata!.name!)?.word !== 'published') continue;
        const entry = published.entries.find(({ id }) => id === (one.spec.id ?? one.metadata!.name));
        expect(entry?.provider).toBe(one.spec.provider);
        for (const [file, ref] of secretsOf(one)) expect({ found: published.keys[file] }).toEqual(keys.get(refName(ref)));
      }
    }),
  );
});

test('without models there are those that are built in; the first one takes their place', () => {
  expect(look([]).published.entries.map(({ id }) => id)).toEqual(['demo', 'count']);
  expect(look([model('mine')], { before: look([]).published }).published.entries.map(({ id }) => id)).toEqual(['mine']);
});

test('of two with one id the older has it; of two defaults the older is it', () => {
  const same = look([model('young', { id: 'x' }, 2), model('old', { id: 'x' }, 1)]);
  expect(words(same)).toEqual({ old: 'published', young: 'same-id' });
  const both = look([model('young', { default: true }, 2), model('old', { default: true }, 1)]);
  expect(words(both)).toEqual({ old: 'published', young: 'another-default' });
  expect(both.published.entries.map((entry) => entry.default ?? false)).toEqual([true, false]);
});

test('a wrong object keeps what was published before, and is never published itself', () => {
  const { published: before } = look([model('a'), model('b')]);
  const wrong = look([model('a', { provider: 'magic' as 'demo' }), model('b')], { before });
  expect(wrong.published).toEqual(before);
  expect(wrong.verdicts.get('a')).toMatchObject({ word: 'wrong', kept: true });
  const fresh = look([model('a', { provider: 'magic' as 'demo' }), model('b')]);
  expect(fresh.published.entries.map(({ id }) => id)).toEqual(['b']);
});

test.each(['no-secret', 'no-key', 'empty', 'unread'] as const)(
  'a key that is gone (%s) is used as it was; one that never was leaves the model out',
  (missing) => {
    const keyed = model('k', { ...remote, ...secretOf('s') });
    const { published: before } = look([keyed, model('b')], { keys: new Map([['s/key', found('sk')]]) });
    const gone = look([keyed, model('b')], { before, keys: new Map([['s/key', { missing }]]) });
    expect(gone.published).toEqual(before);
    expect(gone.verdicts.get('k')).toEqual({ word: 'key-missing', why: missing, ref: 's/key', kept: true });
    const never = look([keyed, model('b')], { keys: new Map([['s/key', { missing }]]) });
    expect(never.published.entries.map(({ id }) => id)).toEqual(['b']);
    expect(never.verdicts.get('k')).toMatchObject({ kept: false });
  },
);

test('one that is gone is suspended, with its key, until its answers have ended; ten minutes at the most', () => {
  const keyed = model('k', { ...remote, ...secretOf('s'), default: true });
  const { published: before } = look([keyed, model('b')], { keys: new Map([['s/key', found('sk')]]), now: 0 });
  const at = (now: number, running: ReadonlyMap<string, number> | undefined, from: Published) =>
    look([model('b')], { before: from, running, now }).published;
  const left = at(0, new Map([['k', 1]]), before);
  expect(left).toMatchObject({ leaving: { k: 0 }, keys: { 'k.key': expect.any(String) } });
  expect(left.entries.find(({ id }) => id === 'k')).toEqual({ id: 'k', ...remote, apiKeyFile: `${DIR}/k.key`, suspended: true });
  const ids = (published: Published) => published.entries.map(({ id }) => id);
  expect(ids(at(9 * MINUTES, new Map([['k', 1]]), left))).toEqual(['b', 'k']);
  expect(ids(at(9 * MINUTES, undefined, left))).toEqual(['b', 'k']);
  expect(ids(at(1_000, new Map(), left))).toEqual(['b', 'k']);
  const ended = at(MINUTES, new Map(), left);
  expect([ids(ended), ended.keys, ended.leaving]).toEqual([['b'], {}, {}]);
  expect(ids(at(10 * MINUTES, new Map([['k', 1]]), left))).toEqual(['b']);
  // It comes back while it leaves.
  expect(look([keyed, model('b')], { before: left, keys: new Map([['s/key', found('sk')]]) }).published.leaving).toEqual({});
});

test('a file never grows beyond what pods read: the newest are left out', () => {
  const large = Array.from({ length: 60 }, (_, i) => model(`m-${String(i).padStart(2, '0')}`, { system: 'x'.repeat(30_000) }, i));
  const desired = look(large);
  expect(Buffer.byteLength(JSON.stringify(desired.published.entries))).toBeLessThanOrEqual(900 * 1024);
  const left = Object.entries(words(desired))
    .filter(([, word]) => word === 'too-many')
    .map(([name]) => name);
  expect(left.length).toBeGreaterThan(20);
  expect(left).toEqual(large.slice(-left.length).map(({ metadata }) => metadata!.name));
});

test('a key goes nowhere without consent: not where the Secret has it no more, and never to an address that is newer than the key', () => {
  const keyed = (baseURL: string, secret = 's') => model('k', { provider: 'openai-compatible', baseURL, ...secretOf(secret) });
  const { published: before } = look([keyed('https://good/v1'), model('b')], { keys: new Map([['s/key', found('sk')]]) });
  const withdrawn = look([keyed('https://good/v1'), model('b')], { before, keys: new Map([['s/key', { missing: 'not-consented' }]]) });
  expect(withdrawn.published.entries.map(({ id }) => id)).toEqual(['b']);
  expect(withdrawn.published.keys).toEqual({});
  for (const missing of ['no-secret', 'unread'] as const) {
    const moved = look([keyed('https://evil/v1', 'nowhere'), model('b')], { before, keys: new Map([['nowhere/key', { missing }]]) });
    expect(moved.published.entries.find(({ id }) => id === 'k')?.baseURL).toBe('https://good/v1');
  }
  const named = look(
    [model('k', { id: 'z', provider: 'openai-compatible', baseURL: 'https://evil/v1', ...secretOf('nowhere') }), model('b')],
    {
      before,
      keys: new Map([['nowhere/key', { missing: 'no-secret' }]]),
    },
  );
  expect(named.published.entries.filter(({ apiKeyFile }) => apiKeyFile).map(({ id, baseURL }) => [id, baseURL])).toEqual([
    ['k', 'https://good/v1'],
  ]);
});

test('what pods would refuse is wrong here, and refuses no other model', () => {
  const wrongs = [
    model('w', { ...remote, body: { stream: false } }),
    model('w', { provider: 'openai-compatible' } as never),
    model('w', { provider: 'demo', topP: 1 }),
    model('w', { provider: 'anthropic' }),
  ];
  for (const wrong of wrongs) expect(words(look([wrong, model('b')]))).toEqual({ w: 'wrong', b: 'published' });
});

test('a fallback that is not there is left out, and told', () => {
  const { published, verdicts } = look([model('a', { fallback: ['b', 'nowhere', 'a'] }), model('b', { fallback: ['nowhere'] })]);
  expect(published.entries.map(({ fallback }) => fallback)).toEqual([['b'], undefined]);
  expect(verdicts.get('a')).toEqual({ word: 'published', without: ['nowhere', 'a'] });
});

test('a fallback that not all of its people may ask is left out, and told', () => {
  const { published, verdicts } = look([
    model('open', { fallback: ['staff', 'all'] }),
    model('staff', { access: { groups: ['staff'] }, fallback: ['all', 'both'] }),
    model('both', { access: { groups: ['staff', 'beta'] } }),
    model('all'),
  ]);
  const byId = Object.fromEntries(published.entries.map(({ id, fallback }) => [id, fallback]));
  expect([byId['open'], byId['staff']]).toEqual([['all'], ['all', 'both']]);
  expect(verdicts.get('open')).toEqual({ word: 'published', narrower: ['staff'] });
});

test('headers and endpoints name their values by what they refer to, each once, and never in the file', () => {
  const apiKey = (name: string) => secretOf(name).apiKey;
  const spec = (places: string[]) => ({
    ...{ provider: 'openai-compatible', headersFrom: { 'Api-Key': apiKey('s') } },
    endpoints: places.map((name) => ({ baseURL: `https://${name}/v1`, apiKey: apiKey(name) })),
  });
  const keys = new Map(['s', 't', 'u'].map((name) => [`${name}/key`, found(`secret-${name}`)]));
  const made = (places: string[]) => look([model('m', spec(places) as never), model('b')], { keys }).published;
  const { entries, keys: files } = made(['t', 'u', 's']);
  expect(JSON.stringify(entries)).not.toContain('secret-');
  expect(
    Object.values(files)
      .map((value) => Buffer.from(value, 'base64').toString())
      .toSorted(),
  ).toEqual(['secret-s', 'secret-t', 'secret-u']);
  // In another order the same files hold the same values: there is no moment in which an endpoint has another's key.
  expect(made(['u', 's', 't']).keys).toEqual(files);
  expect(Object.keys(files).every((file) => /^m_[0-9a-f]{16}\.key$/.test(file))).toBe(true);
});

test('what was published under an id is kept only by the object whose files it names', () => {
  const keyed = (name: string, secret: string) => model(name, { id: 'x', ...remote, ...secretOf(secret) });
  const keys = new Map([['s/key', found('sk')]]);
  const { published: before } = look([keyed('mine', 's'), model('b')], { keys });
  const taken = look([keyed('theirs', 'nowhere'), model('b')], { keys, before });
  expect(taken.verdicts.get('theirs')).toMatchObject({ word: 'key-missing', kept: false });
  expect(taken.published.entries.map(({ id }) => id)).toEqual(['b']);
});

test('a version of skew: fields that pods of this release do not read are left out, also of endpoints, and refuse no model', () => {
  const newer = model('n', { ...remote, tomorrow: 1, baseURL: undefined, endpoints: [{ baseURL: 'https://x/v1', zone: 'a' }] } as never);
  const older = model('o', { weight: 3 } as never);
  const { published, verdicts } = look([newer, older]);
  expect([...verdicts.values()].map(({ word }) => word)).toEqual(['published', 'published']);
  expect(published.entries.map(({ id, ...rest }) => [id, rest])).toEqual([
    ['n', { provider: 'openai-compatible', endpoints: [{ baseURL: 'https://x/v1' }] }],
    ['o', { provider: 'demo' }],
  ]);
});
