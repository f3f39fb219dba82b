import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BACKOFF_BASE_MS, BACKOFF_MAX_MS, backoffMs } from './backoff.ts';

test('waits are anywhere below a ceiling that doubles from 250 ms to 30 s', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(1000), random, (attempt, value) => {
      const wait = backoffMs(attempt, () => value);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** attempt));
    }),
  );
});

test('the jitter is full: any part of the ceiling is reached', () => {
  expect(backoffMs(0, () => 0)).toBe(0);
  expect(backoffMs(0, () => 0.999)).toBe(249);
  expect(backoffMs(3, () => 0.5)).toBe(1_000);
  expect(backoffMs(60, () => 0.5)).toBe(15_000);
});
