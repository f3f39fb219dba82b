import type { CauseAlert, Samples } from './lib/cause-alert.ts';

const keysShown = (unknown: number): Samples => ({
  'runnel_gateway_key_checks_total{service="gateway",outcome="valid"}': 600,
  'runnel_gateway_key_checks_total{service="gateway",outcome="unknown"}': unknown,
});

/** Of who is let in. */
export const ACCESS_CAUSES: readonly CauseAlert[] = [
  {
    alert: 'KeysRefused',
    severity: 'ticket',
    expr: 'sum by (outcome) (increase(runnel_gateway_key_checks_total{outcome=~"unknown|malformed"}[10m])) > 60',
    for: '10m',
    summary: 'API keys are refused',
    description: 'A program goes on with a key that has ended, Redis has lost the keys, or somebody tries keys.',
    fires: keysShown(60),
    silent: keysShown(1),
    labels: { outcome: 'unknown' },
  },
];
