import { expect, test } from 'vitest';
import { hurry } from './prometheus.ts';

test('rules in a hurry have every window and wait shorter, and nothing else changed', () => {
  expect(hurry('expr: rate(a{le="5"}[5m]) > 10 or rate(b[1h]) * 60 > 1\n        for: 2m\n', 5)).toBe(
    'expr: rate(a{le="5"}[60s]) > 10 or rate(b[720s]) * 60 > 1\n        for: 24s\n',
  );
  expect(hurry('for: 0m', 5)).toBe('for: 0s');
});
