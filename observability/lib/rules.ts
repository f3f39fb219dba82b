import { allEvents, badEvents, budgetOf, errorRatio, type Slo } from './slo.ts';
import type { CauseAlert, Severity } from './cause-alert.ts';
import { perInstallation } from './scope.ts';

export interface RecordingRule {
  record: string;
  expr: string;
  labels: Record<string, string>;
}
export interface AlertRule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: Severity; slo?: string };
  annotations: { summary: string; description: string; runbook_url: string };
}
export interface RuleFile {
  groups: { name: string; interval?: string; rules: (RecordingRule | AlertRule)[] }[];
}

export const RUNBOOKS = 'https://github.com/runnel/runnel/blob/main/docs/runbooks';
export const runbookUrl = (alert: string): string => `${RUNBOOKS}/${alert}.md`;

/**
 * Windows and burn rates of the SRE Workbook (chapter 5, "multiwindow, multi-burn-rate alerts"): the long window says that it
 * matters, the short one that it still goes on. Of a month's budget: 2 % in 1 h, 5 % in 6 h, 10 % in 1 d and in 3 d.
 */
const BURNS: Record<Severity, readonly { long: string; short: string; factor: number }[]> = {
  page: [
    { long: '1h', short: '5m', factor: 14.4 },
    { long: '6h', short: '30m', factor: 6 },
  ],
  ticket: [
    { long: '1d', short: '2h', factor: 3 },
    { long: '3d', short: '6h', factor: 1 },
  ],
};
const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];
/** Long enough that one scrape that failed does not page, short against the shortest window. */
const HOLD = '2m';

/**
 * A burn rate says nothing about how many: of 60 answers in an hour one that fails burns 17 times the budget of 99.9 %. Fewer bad
 * events than these in the long window wake nobody.
 */
const LEAST_BAD: Record<Severity, number> = { page: 5, ticket: 3 };
const LONG_WINDOWS = Object.values(BURNS).flatMap((burns) => burns.map(({ long }) => long));

export const badName = (window: string): string => `slo:bad_events:increase${window}`;
export const recordName = (window: string): string => `slo:error_ratio:rate${window}`;

const recordings = (slo: Slo): RecordingRule[] => [
  ...WINDOWS.map((window) => ({ record: recordName(window), expr: perInstallation(errorRatio(slo, window)), labels: { slo: slo.name } })),
  ...LONG_WINDOWS.map((window) => ({ record: badName(window), expr: perInstallation(badEvents(slo, window)), labels: { slo: slo.name } })),
  // Beside the bad ones of the same hour: a month is the sum of its hours.
  { record: 'slo:events:increase1h', expr: perInstallation(allEvents(slo, '1h')), labels: { slo: slo.name } },
];

const burnExpr = (slo: Slo, severity: Severity): string =>
  BURNS[severity]
    .map(({ long, short, factor }) => {
      const limit = Number((factor * budgetOf(slo)).toPrecision(6));
      const above = (window: string): string => `${recordName(window)}{slo="${slo.name}"} > ${limit}`;
      const enough = `${badName(long)}{slo="${slo.name}"} >= ${LEAST_BAD[severity]}`;
      return `(${above(long)} and ${above(short)} and ${enough})`;
    })
    .join(' or ');

const burnAlert = (slo: Slo, severity: Severity): AlertRule => ({
  alert: slo.alert,
  expr: burnExpr(slo, severity),
  for: HOLD,
  labels: { severity, slo: slo.name },
  annotations: {
    summary: `Too few: ${slo.title} (${slo.objective} %, ${slo.promise})`,
    description: `${slo.description} The month's error budget goes ${severity === 'page' ? 'within days' : 'before the month does'}.`,
    runbook_url: runbookUrl(slo.alert),
  },
});

const causeAlert = (cause: CauseAlert): AlertRule => ({
  alert: cause.alert,
  expr: perInstallation(cause.expr),
  for: cause.for,
  labels: { severity: cause.severity },
  annotations: { summary: cause.summary, description: cause.description, runbook_url: runbookUrl(cause.alert) },
});

export const buildRules = (slos: readonly Slo[], causes: readonly CauseAlert[]): RuleFile => ({
  groups: [
    { name: 'runnel-slo', interval: '30s', rules: slos.flatMap(recordings) },
    { name: 'runnel-slo-alerts', rules: slos.flatMap((slo) => [burnAlert(slo, 'page'), burnAlert(slo, 'ticket')]) },
    { name: 'runnel-causes', rules: causes.filter(({ rarely }) => !rarely).map(causeAlert) },
    { name: 'runnel-month', interval: '10m', rules: causes.filter(({ rarely }) => rarely).map(causeAlert) },
  ],
});

export const alertsOf = ({ groups }: RuleFile): AlertRule[] =>
  groups.flatMap(({ rules }) => rules.filter((rule): rule is AlertRule => 'alert' in rule));
