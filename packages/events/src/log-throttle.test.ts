import { expect, test } from 'vitest';
import { createLogThrottle } from './log-throttle.ts';

test('the same message is worth a line once in a while, another one at once', () => {
  let now = 0;
  const isWorthALine = createLogThrottle(1_000, () => now);
  expect(['a', 'a', 'b', 'a', 'b'].map(isWorthALine)).toEqual([true, false, true, false, false]);
  now = 1_000;
  expect(['a', 'a'].map(isWorthALine)).toEqual([true, false]);
});

test('it forgets the oldest of many, so that it stays small', () => {
  const isWorthALine = createLogThrottle(1_000, () => 0);
  for (let i = 0; i <= 50; i++) isWorthALine(`message ${i}`);
  expect(isWorthALine('message 50')).toBe(false);
  expect(isWorthALine('message 0')).toBe(true);
});
