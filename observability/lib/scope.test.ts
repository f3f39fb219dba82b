import { expect, test } from 'vitest';
import { perInstallation, within } from './scope.ts';

test.each([
  ['sum(rate(runnel_a_total[5m])) > 3', 'sum by (cluster, namespace, release) (rate(runnel_a_total[5m])) > 3'],
  [
    'max by (service) (runnel_b) / on (service) c',
    'max by (cluster, namespace, release, service) (runnel_b) / on (cluster, namespace, release, service) c',
  ],
  ['count by (s) (count_over_time(runnel_b[1d]))', 'count by (cluster, namespace, release, s) (count_over_time(runnel_b[1d]))'],
  ['absent(runnel_b{service="ai"})', 'absent(runnel_b{service="ai"})'],
])('%s is asked of each installation', (expr, expected) => {
  expect(perInstallation(expr)).toBe(expected);
});

test.each([
  ['sum by (le) (rate(runnel_a_bucket{x="y"}[5m]))', 'sum by (le) (rate(runnel_a_bucket{n="c", x="y"}[5m]))'],
  ['slo:error_ratio:rate5m{slo="a"} > 0.1', 'slo:error_ratio:rate5m{n="c", slo="a"} > 0.1'],
  ['max(runnel_b) > up{job=~"x"}', 'max(runnel_b{n="c"}) > up{n="c", job=~"x"}'],
  [
    'sum by (gen_ai_request_model) (runnel_b{reason=~"x|given-up"})',
    'sum by (gen_ai_request_model) (runnel_b{n="c", reason=~"x|given-up"})',
  ],
  ['gen_ai_client_operation_count / runnel_b', 'gen_ai_client_operation_count{n="c"} / runnel_b{n="c"}'],
])('%s is narrowed', (expr, expected) => {
  expect(within(expr, 'n="c"')).toBe(expected);
});
