import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextStep, type Lease, type SeenLease } from './leader.ts';

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
