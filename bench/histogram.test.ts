import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('quantiles are the upper edge of the bucket that holds them', () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 100; i++) histogram.add(i - 0.05);
  expect(histogram.summary()).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
});

test('nothing measured is null, not zero', () => {
  const histogram = new Histogram();
  histogram.add(5);
  histogram.reset();
  expect(histogram.quantile(0.5)).toBeNull();
});

test('what is out of range counts at the edge', () => {
  const histogram = new Histogram();
  histogram.add(-3);
  histogram.add(1e9);
  expect(histogram.quantile(0)).toBe(0.1);
  expect(histogram.quantile(1)).toBe(20_000);
});
