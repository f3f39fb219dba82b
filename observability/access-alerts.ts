import type { CauseAlert, Samples } from './lib/cause-alert.ts';

const keysShown = (unknown: number): Samples => ({
  'runnel_gateway_key_checks_total{service="gateway",outcome="valid"}': 600,
  'runnel_gateway_key_checks_total{service="gateway",outcome="unknown"}': unknown,
});

const refusedInside = (count: number): Samples => ({
  'runnel_inner_refused_total{service="ai",reason="wrong-token"}': count,
  'runnel_inner_refused_total{service="ai",reason="browser"}': 0,
});

const signIns = (outcome: string, count: number): Samples => ({
  'runnel_gateway_sign_ins_total{service="gateway",outcome="ok"}': 1,
  [`runnel_gateway_sign_ins_total{service="gateway",outcome="${outcome}"}`]: count,
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
  {
    alert: 'ProviderUnreachable',
    severity: 'page',
    expr: 'sum by (outcome) (increase(runnel_gateway_sign_ins_total{outcome=~"unavailable|refused|failed"}[5m])) > 5 and on () sum(increase(runnel_gateway_sign_ins_total{outcome=~"unavailable|refused|failed"}[5m])) > sum(increase(runnel_gateway_sign_ins_total{outcome="ok"}[5m]))',
    for: '5m',
    summary: 'People cannot sign in',
    description: 'More sign-ins fail than succeed: the identity provider is away, or does not know this installation. Who is in stays in.',
    fires: signIns('unavailable', 10),
    silent: signIns('unavailable', 0),
    labels: { outcome: 'unavailable' },
  },
];
