import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STEPS } from '../testing/whole-steps.ts';
import { redisWhole } from '../testing/whole-store.ts';
import { Whole } from '../testing/whole.ts';

test('B4 B5 on Redis, too, shown text stays, a logId has one history, and the database is not shadowed', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { minLength: 15, maxLength: 30, size: 'max' }), async (story) => {
      const store = await redisWhole();
      try {
        const whole = new Whole(store);
        for (const [name, act] of story) {
          await act(whole);
          await whole.look();
          await whole.forgetLost();
          expect(whole.problems, name).toEqual([]);
        }
        await whole.lastLook();
        expect(whole.problems).toEqual([]);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 5, endOnFailure: true },
  );
});
