import { expect, test } from 'vitest';
import { namesIn } from './promql.ts';

test('metrics and labels of an expression', () => {
  const { metrics, labels, counted } = namesIn(
    'histogram_quantile(0.99, sum by (le, model) (rate(runnel_a_bucket{outcome=~"x|y",service="ai"}[$__rate_interval]))) > 0.05 and slo:b:c{slo="d"} or runnel_e * 0',
  );
  expect([...metrics]).toEqual(['runnel_a_bucket', 'slo:b:c', 'runnel_e']);
  expect([...labels].toSorted()).toEqual(['le', 'model', 'outcome', 'service', 'slo']);
  expect([...counted]).toEqual(['runnel_a_bucket']);
});
