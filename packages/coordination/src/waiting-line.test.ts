import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MOST_TIMES, placeAt, sampleOf } from './waiting-line.ts';

const queue = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 300 });
const before = (times: readonly number[], time: number): number => times.filter((other) => other < time).length;

test('B7 a place is exact where few wait, and between its neighbours’ where many do', () => {
  fc.assert(
    fc.property(queue, queue, (others, mine) => {
      const all = [...others, ...mine];
      const sample = sampleOf(mine);
      expect(sample.length).toBeLessThanOrEqual(MOST_TIMES);
      const counts = sample.map((time) => before(all, time));
      for (const time of mine) {
        const place = placeAt(time, sample, counts);
        if (new Set(mine).size <= MOST_TIMES) expect(place).toBe(1 + before(all, time));
        const below = sample.findLast((sampled) => sampled <= time)!;
        const above = sample.find((sampled) => sampled >= time)!;
        expect(place).toBeGreaterThanOrEqual(1 + before(all, below));
        expect(place).toBeLessThanOrEqual(1 + before(all, above));
      }
    }),
  );
});
