import type { CauseAlert, Samples } from './cause-alert.ts';
import { alertsOf, type AlertRule, type RuleFile } from './rules.ts';
import { budgetOf, type Slo } from './slo.ts';

/** What `promtool test rules` reads. */
export interface RuleTests {
  rule_files: string[];
  evaluation_interval: string;
  tests: {
    name: string;
    interval: string;
    input_series: { series: string; values: string }[];
    alert_rule_test: {
      eval_time: string;
      alertname: string;
      exp_alerts: { exp_labels: Record<string, string>; exp_annotations: Record<string, string> }[];
    }[];
  }[];
}

const MINUTES = 40;
/** Events a minute in the tests of the SLOs. */
const EVENTS = 1000;
/** Twenty times the budget burns through every window; half of it must leave everybody asleep. */
const BURNING = 20;
const RESTING = 0.5;

const series = (samples: Samples): { series: string; values: string }[] =>
  Object.entries(samples).map(([name, step]) => ({
    series: name,
    values: typeof step === 'number' ? `0+${step}x${MINUTES}` : `${step.slice(1)}x${MINUTES}`,
  }));

const eventsOf = (slo: Slo, burn: number): Samples => {
  const bad = Math.min(1, burn * budgetOf(slo)) * EVENTS;
  if (slo.sample !== undefined) return { [slo.sample.bad]: bad, [slo.sample.good]: EVENTS - bad };
  const { metric, below } = slo.latency!;
  return {
    [`${metric}_bucket{service="gateway",le="${below}"}`]: EVENTS - bad,
    [`${metric}_bucket{service="gateway",le="+Inf"}`]: EVENTS,
    [`${metric}_count{service="gateway"}`]: EVENTS,
  };
};

/** One firing and one silent test for every alert name. */
export const buildRuleTests = (rules: RuleFile, slos: readonly Slo[], causes: readonly CauseAlert[], ruleFile: string): RuleTests => {
  const alerts = alertsOf(rules);
  const expected = (rule: AlertRule, extra: Record<string, string> = {}) => ({
    exp_labels: { ...rule.labels, ...extra },
    exp_annotations: { ...rule.annotations },
  });
  const test = (alertname: string, firing: boolean, samples: Samples, extra?: Record<string, string>) => ({
    name: `${alertname} ${firing ? 'fires' : 'is silent'}`,
    interval: '1m',
    input_series: series(samples),
    alert_rule_test: [
      {
        eval_time: `${MINUTES - 5}m`,
        alertname,
        exp_alerts: firing ? alerts.filter(({ alert }) => alert === alertname).map((rule) => expected(rule, extra)) : [],
      },
    ],
  });
  return {
    rule_files: [ruleFile],
    evaluation_interval: '30s',
    tests: [
      ...slos.flatMap((slo) => [test(slo.alert, true, eventsOf(slo, BURNING)), test(slo.alert, false, eventsOf(slo, RESTING))]),
      ...causes.flatMap(({ alert, fires, silent, labels }) => [test(alert, true, fires, labels), test(alert, false, silent)]),
    ],
  };
};
