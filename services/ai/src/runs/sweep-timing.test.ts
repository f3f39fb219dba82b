import { expect, test } from 'vitest';
import { hintDelayMs, renewWaitMs, sweepWaitMs } from './sweep-timing.ts';

test('sweeps come within half a second, not in step', () => {
  expect(sweepWaitMs(0)).toBe(500);
  expect(sweepWaitMs(0.999)).toBeGreaterThan(330);
});

test('a lease of 3 s is renewed each 750 ms, and sooner after an outage', () => {
  expect(renewWaitMs(3000, false)).toBe(750);
  expect(renewWaitMs(3000, true)).toBe(100);
  expect(renewWaitMs(200, true)).toBe(50);
});

test('P-4 a free run is taken by the idlest pod, within 50 ms', () => {
  expect(hintDelayMs(0, 0.99)).toBeLessThan(10);
  expect(hintDelayMs(0.5, 0)).toBeGreaterThan(hintDelayMs(0, 0.99));
  expect(hintDelayMs(1, 1)).toBe(50);
});
