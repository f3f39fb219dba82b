import type { CauseAlert, Samples } from './cause-alert.ts';
import { alertsOf, type AlertRule, type RuleFile } from './rules.ts';
import type { Situation } from '../outages.ts';
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

export interface RuleTestSources {
  rules: RuleFile;
  slos: readonly Slo[];
  causes: readonly CauseAlert[];
  situations: readonly Situation[];
  /** Path from the file of the tests. */
  ruleFile: string;
}

/** One firing and one silent test for every alert name, and one test for every situation. */
export const buildRuleTests = ({ rules, slos, causes, situations, ruleFile }: RuleTestSources): RuleTests => {
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
  const situation = ({ name, series: values, atMinute, fires = [], silent = [] }: Situation) => ({
    name,
    interval: '1m',
    input_series: Object.entries(values).map(([of, text]) => ({ series: of, values: text })),
    alert_rule_test: [...new Set([...fires.map(({ alert }) => alert), ...silent])].map((alertname) => ({
      eval_time: `${atMinute}m`,
      alertname,
      exp_alerts: fires
        .filter(({ alert }) => alert === alertname)
        .flatMap(({ severities, labels }) =>
          alerts
            .filter(({ alert, labels: { severity } }) => alert === alertname && (severities?.includes(severity) ?? true))
            .map((rule) => expected(rule, labels)),
        ),
    })),
  });
  return {
    rule_files: [ruleFile],
    evaluation_interval: '1m',
    tests: [
      ...slos.flatMap((slo) => [test(slo.alert, true, eventsOf(slo, BURNING)), test(slo.alert, false, eventsOf(slo, RESTING))]),
      ...causes.flatMap(({ alert, fires, silent, labels }) => [test(alert, true, fires, labels), test(alert, false, silent)]),
      ...situations.map(situation),
    ],
  };
};
