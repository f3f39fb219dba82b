import { expect, test } from 'vitest';
import { pollDelay } from './poll-schedule.ts';

test('a silent running answer is looked up after a second, sooner without a channel, an idle one rarely', () => {
  const base = { deaf: false, quiet: 0, random: 0 };
  expect(pollDelay({ ...base, run: 'running' })).toBe(1000);
  expect(pollDelay({ ...base, run: 'running', deaf: true })).toBe(75);
  expect(pollDelay({ ...base, run: 'idle' })).toBe(30_000);
  expect([0, 1, 2, 9].map((quiet) => pollDelay({ ...base, run: 'unknown', quiet }))).toEqual([1000, 2000, 4000, 30_000]);
});
