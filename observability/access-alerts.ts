import type { CauseAlert, Samples } from './lib/cause-alert.ts';

const keysShown = (unknown: number): Samples => ({
  'runnel_gateway_key_checks_total{service="gateway",outcome="valid"}': 600,
  'runnel_gateway_key_checks_total{service="gateway",outcome="unknown"}': unknown,
});

const refusedInside = (count: number): Samples => ({
  'runnel_inner_refused_total{service="ai",reason="wrong-token"}': count,
  'runnel_inner_refused_total{service="ai",reason="browser"}': 0,
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
  {
    alert: 'InnerDoorRefuses',
    severity: 'ticket',
    expr: 'sum by (service, reason) (increase(runnel_inner_refused_total[10m])) > 5',
    for: '10m',
    summary: 'A service refuses calls from inside',
    description: 'Somebody asks for what only our own services may: with another token than theirs, with none, or from a page.',
    fires: refusedInside(10),
    silent: refusedInside(0),
    labels: { service: 'ai', reason: 'wrong-token' },
  },
];
