import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { RULE_TESTS, RULES } from '../../observability/build.ts';
import type { RuleTests } from '../../observability/lib/rule-tests.ts';
import { alertsOf, type RuleFile } from '../../observability/lib/rules.ts';
import { within } from '../../observability/lib/scope.ts';
import { findPromtool } from '../../scripts/promtool.mjs';
import { LEAST, render } from './chart.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = <T>(file: string): T => parse(readFileSync(join(ROOT, file), 'utf8')) as T;
const rulesOf = (...set: string[]): RuleFile =>
  render({ set: [...LEAST, 'alerts.enabled=true', ...set] }).find(({ kind }) => kind === 'PrometheusRule')!.spec as unknown as RuleFile;

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'runnel-alerts-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Of another team's series `up{job="another"}` nothing is changed. */
const labelled = (series: string, labels: string): string => series.replace('{', `{${labels},`);

const ALL = read<RuleTests>(RULE_TESTS).tests;
/** The tests of the shipped rules, against what the chart makes of them. */
const promtool = (rules: RuleFile, tests: RuleTests['tests']): string => {
  const [ruleFile, testFile] = [join(folder, 'rules.json'), join(folder, 'tests.json')];
  writeFileSync(ruleFile, JSON.stringify(rules));
  writeFileSync(testFile, JSON.stringify({ rule_files: [ruleFile], evaluation_interval: '1m', tests }));
  const { stdout, stderr } = spawnSync(findPromtool()!, ['test', 'rules', testFile], { encoding: 'utf8', timeout: 170_000 });
  return stdout + stderr;
};

/** Series and alerts of tests as a Prometheus of Kubernetes has them. */
const here = (tests: RuleTests['tests'], labels: Record<string, string>, shown: Record<string, string>): RuleTests['tests'] => {
  const written = Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
  return tests.map((one) => ({
    ...one,
    input_series: one.input_series.map(({ series, values }) => ({ series: labelled(series, written), values })),
    alert_rule_test: one.alert_rule_test.map((asked) => ({
      ...asked,
      exp_alerts: asked.exp_alerts.map(({ exp_labels, exp_annotations }) => {
        const { runbook_url: _link, ...annotations } = exp_annotations;
        return { exp_labels: { ...labels, ...shown, ...exp_labels }, exp_annotations: annotations };
      }),
    })),
  }));
};
// One of each shape of a query: all of them take promtool minutes, and that each is narrowed alike is the next test's business.
const SHAPES = ['AnswersIncomplete', 'ChunksLate', 'ServiceGone', 'StoreSlow', 'ModelSlow', 'PodDown', 'NoAiPods'];
const OF_ONE = ALL.filter(({ name }) => SHAPES.some((alert) => name === `${alert} fires`));

test('with a ServiceMonitor of the release every alert fires and rests as tested, for this release alone', { timeout: 180_000 }, () => {
  const rules = rulesOf('serviceMonitor.enabled=true', 'alerts.additionalRuleLabels.cluster=eu');
  const ours = { namespace: 'chat', release: 'runnel' };
  expect(OF_ONE).toHaveLength(SHAPES.length);
  expect(promtool(rules, here(OF_ONE, ours, { cluster: 'eu' }))).toContain('SUCCESS');
  const silent = OF_ONE.filter(({ name }) => !name.startsWith('ServiceGone')).map((one) => ({
    ...one,
    alert_rule_test: one.alert_rule_test
      .filter(({ alertname }) => alertname !== 'ServiceGone')
      .map((asked) => ({ ...asked, exp_alerts: [] })),
  }));
  expect(promtool(rules, here(silent, { ...ours, namespace: 'other' }, {}))).toContain('SUCCESS');
  expect(promtool(rules, here(silent, { ...ours, release: 'other' }, {}))).toContain('SUCCESS');
});

test('the chart narrows a query as scope.ts does, and without a ServiceMonitor not at all', () => {
  const shipped = read<RuleFile>(RULES).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
  const expressions = (...set: string[]): string[] => rulesOf(...set).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
  expect(expressions()).toEqual(shipped);
  expect(expressions('alerts.matchers.team=a')).toEqual(shipped.map((expr) => within(expr, 'team="a"')));
});

test('the address of runbooks is the operator’s, and there is none until they say one', () => {
  const links = (...set: string[]): (string | undefined)[] => alertsOf(rulesOf(...set)).map(({ annotations }) => annotations.runbook_url);
  expect(new Set(links())).toEqual(new Set([undefined]));
  expect(links('alerts.runbookBaseURL=https://r.example/x/')[0]).toBe(`https://r.example/x/${alertsOf(rulesOf())[0]!.alert}.md`);
});

test('an alert that is not wanted is left out, and a name that is none is refused', () => {
  const names = (...set: string[]): string[] => alertsOf(rulesOf(...set)).map(({ alert }) => alert);
  expect(names('alerts.disabled={StoreSlow}')).toEqual(names().filter((name) => name !== 'StoreSlow'));
  expect(() => rulesOf('alerts.disabled={StoreSlo}')).toThrow("at '/alerts/disabled/0'");
});
