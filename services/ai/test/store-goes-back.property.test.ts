import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STEPS } from '../testing/whole-steps.ts';
import { Whole } from '../testing/whole.ts';

test('B4 who was shown an end waits until a pod may claim the half answer and has learnt of it from the database', async () => {
  const whole = new Whole();
  await whole.prompt(0);
  await whole.sweep(0);
  await whole.store.replicate();
  await whole.end(0);
  await whole.relay();
  await whole.read(0);
  await whole.die(0);
  await whole.failover();
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
        await whole.look();
        await whole.forgetLost();
        expect(whole.problems, name).toEqual([]);
      }
      await whole.lastLook();
      expect(whole.problems).toEqual([]);
    }),
    { numRuns: 200 },
  );
}, 60_000);
