import fc from 'fast-check';
import { waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { StatusError, type KubeApi } from './api.ts';
import { electLeader, nextStep, type Lease, type SeenLease } from './leader.ts';

const lease = (holderIdentity: string | null, renewTime = 't1'): Lease => ({
  spec: { holderIdentity, renewTime, leaseDurationSeconds: 8 },
});
const seen = (holder: string, at: number, renewTime = 't1'): SeenLease => ({ holder, renewTime, at });

test.each([
  ['none is there', null, undefined, 'take'],
  ['nobody holds it', lease(''), undefined, 'take'],
  ['it is ours', lease('me'), undefined, 'renew'],
  ["another's, seen for the first time", lease('other'), undefined, 'wait'],
  ["another's, for less than its length", lease('other'), seen('other', 2_001), 'wait'],
  ["another's, unchanged for its length", lease('other'), seen('other', 2_000), 'take'],
  ["another's, renewed meanwhile", lease('other', 't2'), seen('other', 0), 'wait'],
  ["a third one's since", lease('third'), seen('other', 0), 'wait'],
] as const)('a Lease: %s', (_what, found, known, step) => expect(nextStep(found, 'me', known, 10_000)).toBe(step));

test('whatever the clocks of others say, a Lease that is renewed in time is never taken', () => {
  const renewals = fc.array(fc.record({ after: fc.integer({ min: 1, max: 7_999 }), said: fc.date({ noInvalidDate: true }) }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(renewals, (all) => {
      let now = 0;
      let known: SeenLease | undefined;
      for (const [i, { after, said }] of all.entries()) {
        // What the holder writes is its own clock's, and may go back; that it differs is all that counts.
        const found = lease('other', `${said.toISOString()}-${i}`);
        if (known?.renewTime !== found.spec!.renewTime) known = { holder: 'other', renewTime: found.spec!.renewTime!, at: now };
        expect(nextStep(found, 'me', known, now)).toBe('wait');
        now += after;
        expect(nextStep(found, 'me', known, now)).toBe('wait');
      }
    }),
  );
});

/** One Lease as an API server keeps it: a write of an older version is refused. */
const electedAt = (giveUpMs = 20_000) => {
  let kept: Lease | null = null;
  let version = 0;
  let isDeaf = false;
  const asked = { find: 0, create: 0, replace: 0 };
  const told: boolean[] = [];
  const keep = (lease: Lease): Lease => (kept = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++version) } });
  const api = {
    namespace: 'chat',
    find: async () => (asked.find++, kept),
    create: async (_path: string, lease: Lease) => (asked.create++, keep(lease)),
    replace: async (_path: string, lease: Lease) => {
      asked.replace++;
      if (isDeaf) return new Promise<Lease>(() => {});
      if (kept === null) throw new StatusError(404, 'not found');
      if (lease.metadata?.resourceVersion !== kept.metadata?.resourceVersion) throw new StatusError(409, 'changed');
      return keep(lease);
    },
  } as unknown as KubeApi;
  const stop = new AbortController();
  const failures: unknown[] = [];
  const timing = { leaseMs: 30_000, giveUpMs, everyMs: 5 };
  const leader = electLeader({
    ...{ api, name: 'operator', me: 'me', signal: stop.signal, timing },
    onChange: (leads) => void told.push(leads),
    onFailure: (error) => void failures.push(error),
  });
  onTestFinished(async () => {
    stop.abort();
    if (!isDeaf) await leader.done;
  });
  return {
    ...{ asked, leader, failures, told },
    deafen: () => void (isDeaf = true),
    lease: () => kept,
    change: (spec: Lease['spec']) => void keep({ ...kept, spec: { ...kept!.spec, ...spec } }),
    remove: () => void (kept = null),
  };
};

test('who leads writes its Lease without reading it first', async () => {
  const { asked, leader } = electedAt();
  await waitFor(() => asked.replace >= 5);
  expect(leader.leads()).toBe(true);
  expect(asked).toMatchObject({ find: 1, create: 1 });
});

test.each([
  ['changed', 2],
  ['removed', 2],
] as const)('a Lease that somebody else has %s is looked at at once, and goes on', async (how, finds) => {
  const { asked, leader, failures, lease, change, remove } = electedAt();
  await waitFor(() => asked.replace >= 2);
  if (how === 'changed') change({});
  else remove();
  const { replace } = asked;
  await waitFor(() => asked.replace >= replace + 3);
  expect(leader.leads()).toBe(true);
  expect(lease()?.spec?.holderIdentity).toBe('me');
  expect(asked).toMatchObject({ find: finds, create: how === 'removed' ? 2 : 1 });
  expect(failures).toEqual([]);
});

test('a Lease that another has taken is not written over by who held it', async () => {
  const { asked, lease, change } = electedAt();
  await waitFor(() => asked.replace >= 2);
  change({ holderIdentity: 'other' });
  const { find } = asked;
  await waitFor(() => asked.find >= find + 3);
  expect(lease()?.spec?.holderIdentity).toBe('other');
});

test('a server that does not answer any more: who led is told that it leads no more, once, without an answer', async () => {
  const { leader, told, deafen } = electedAt(1_000);
  await waitFor(() => told.length > 0);
  deafen();
  await waitFor(() => told.length > 1);
  expect(leader.leads()).toBe(false);
  expect(told).toEqual([true, false]);
});
