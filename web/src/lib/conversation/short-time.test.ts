import { expect, test } from 'vitest';
import { shortTime } from './short-time.ts';

const now = new Date(2026, 10, 28, 15, 0).getTime();

test.each([
  [new Date(2026, 10, 28, 9, 5), '9:05'],
  [new Date(2026, 10, 27, 23, 59), '27 Nov, 23:59'],
  [new Date(2025, 0, 2, 8, 0), '2 Jan 2025'],
])('%s is said as %s', (at, said) => {
  expect(shortTime(at.getTime(), now, 'en-GB')).toBe(said);
});
