import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Whole } from '../testing/whole.ts';

type Step = [name: string, act: (whole: Whole) => Promise<void> | void];

const who = fc.nat(2);
const step = <T>(name: string, arbitrary: fc.Arbitrary<T>, act: (whole: Whole, value: T) => Promise<void> | void): fc.Arbitrary<Step> =>
  arbitrary.map((value) => {
    const told = `${name} ${String(value)}`;
    return [told, Object.assign((whole: Whole) => act(whole, value), { toString: () => told })];
  });

const STEPS = fc.oneof(
  { weight: 6, arbitrary: step('prompt', who, (whole, client) => whole.prompt(client)) },
  { weight: 8, arbitrary: step('look', who, (whole, pod) => whole.look(pod)) },
  { weight: 6, arbitrary: step('speak', who, (whole, pod) => whole.speak(pod)) },
  { weight: 6, arbitrary: step('end', who, (whole, pod) => whole.end(pod)) },
  { weight: 8, arbitrary: step('read', who, (whole, client) => whole.read(client)) },
  { weight: 4, arbitrary: step('pass', fc.constantFrom(200, 1_200, 3_700), (whole, ms) => whole.pass(ms)) },
  { weight: 4, arbitrary: step('replicate', fc.constant(''), (whole) => whole.replicate()) },
  { weight: 3, arbitrary: step('failover', fc.constant(''), (whole) => whole.failover()) },
  { weight: 3, arbitrary: step('relay', fc.constant(''), (whole) => whole.relay()) },
  { weight: 1, arbitrary: step('die', who, (whole, pod) => whole.die(pod)) },
);

test('B4 who was shown an end waits until a pod may claim the half answer and has learnt of it from the database', async () => {
  const whole = new Whole();
  await whole.prompt(0);
  await whole.look(0);
  whole.replicate();
  await whole.end(0);
  whole.relay();
  await whole.read(0);
  await whole.die(0);
  whole.failover();
  for (let ms = 0; ms < 6_000; ms += 500) {
    await whole.read(0);
    expect(whole.problems, `${ms} ms after the change`).toEqual([]);
    await whole.pass(500);
  }
  await whole.lastLook();
  expect(whole.problems).toEqual([]);
});

/** Clients with cursors, pods, a database, and a store that goes back to an older copy of itself at any moment. */
test('B4 B5 whatever is lost when: shown text stays, a logId has one history, no model is asked for what somebody knows, the database is not shadowed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { minLength: 20, maxLength: 80, size: 'max' }), async (story) => {
      const whole = new Whole();
      for (const [name, act] of story) {
        await act(whole);
        whole.forgetLost();
        expect(whole.problems, name).toEqual([]);
      }
      await whole.lastLook();
      expect(whole.problems).toEqual([]);
    }),
    { numRuns: 200 },
  );
}, 60_000);
