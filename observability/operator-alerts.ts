import type { CauseAlert, Samples } from './lib/cause-alert.ts';

const leads = (one: number): Samples => ({
  'runnel_operator_leads{service="operator",instance="a:9083"}': `=${one}`,
  'runnel_operator_leads{service="operator",instance="b:9083"}': '=0',
});
const looks = (done: number): Samples => ({
  'runnel_operator_looks_total{service="operator",outcome="done"}': done,
  'runnel_operator_looks_total{service="operator",outcome="failed"}': 30,
});
const models = (no: number): Samples => ({
  'runnel_operator_models{service="operator",instance="a:9083",ready="no"}': `=${no}`,
  'runnel_operator_models{service="operator",instance="a:9083",ready="yes"}': '=3',
});

/** Of the operator. None of them pages: what it made goes on without it. */
export const OPERATOR_CAUSES: readonly CauseAlert[] = [
  {
    alert: 'OperatorLeaderless',
    severity: 'ticket',
    expr: 'max(runnel_operator_leads) == 0',
    for: '5m',
    summary: 'No operator leads',
    description: 'Operators run and none of them holds the Lease: models do not change, nothing is scaled, and statuses are old.',
    fires: leads(0),
    silent: leads(1),
  },
  {
    alert: 'OperatorStuck',
    severity: 'ticket',
    expr: 'sum(increase(runnel_operator_looks_total{outcome="failed"}[10m])) > 0 unless sum(increase(runnel_operator_looks_total{outcome="done"}[10m])) > 0',
    for: '5m',
    summary: 'The operator fails at everything it looks at',
    description: 'Each of its looks ends with an error: models do not change, nothing is scaled, and statuses are old.',
    fires: looks(0),
    silent: looks(1),
  },
  {
    alert: 'ModelsNotReady',
    severity: 'ticket',
    expr: 'max(runnel_operator_models{ready="no"}) > 0',
    for: '10m',
    summary: 'A ChatModel is not ready',
    description: 'People cannot pick a model that somebody has applied, or its answers fail. Its status says why.',
    fires: models(1),
    silent: models(0),
  },
];
