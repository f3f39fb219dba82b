import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export interface Totals {
  passed: number;
  failed: number;
  /** Names of the failed ones with what they said, in a line: repeated at the end, since a CI keeps the end of its log. */
  failures?: readonly string[];
}

export interface TierResult extends Totals {
  name: string;
  seconds: number;
  /** Why the tier failed as a whole, or was not run. */
  problem?: string;
}

/** A tier that ran nothing, or that ended badly although no test failed, counts as one failure: silence is not success. */
export function judgeTier(name: string, seconds: number, { passed, failed, failures }: Totals, problem?: string): TierResult {
  if (failed > 0) return { name, seconds, passed, failed, ...(failures && { failures }), ...(problem !== undefined && { problem }) };
  if (problem !== undefined) return { name, seconds, passed, failed: 1, problem };
  if (passed === 0) return { name, seconds, passed, failed: 1, problem: 'ran no tests' };
  return { name, seconds, passed, failed };
}

/** A tier that cannot be tried here, with the reason in the table: neither a success nor a failure. */
export const notRunTier = (name: string, reason: string): TierResult => ({
  ...{ name, seconds: 0, passed: 0, failed: 0 },
  problem: `not run: ${reason}`,
});

/** What failed, the table of tiers and, as its last line, exactly `N passed, N failed`. */
export function formatSummary(results: readonly TierResult[]): string {
  const rows = results.map(({ name, seconds, passed, failed, problem }) => {
    const columns = [name.padEnd(12), `${passed}`.padStart(7), `${failed}`.padStart(7), `${seconds.toFixed(1)} s`.padStart(9)];
    return `${columns.join(' ')}${problem === undefined ? '' : `  ${problem}`}`;
  });
  const sum = (pick: (result: TierResult) => number): number => results.reduce((total, result) => total + pick(result), 0);
  const total = `${sum((result) => result.passed)} passed, ${sum((result) => result.failed)} failed`;
  const failures = results.flatMap((result) => (result.failures ?? []).map((failure) => `FAIL ${result.name}: ${failure}`));
  return [...failures, `${'tier'.padEnd(12)}  passed  failed      time`, ...rows, total].join('\n');
}

interface VitestReport {
  numPassedTests?: number;
  numFailedTests?: number;
  numFailedTestSuites?: number;
  success?: boolean;
  testResults?: readonly { name: string; status: string; message?: string; assertionResults: readonly VitestAssertion[] }[];
}

interface VitestAssertion {
  status: string;
  fullName: string;
  failureMessages?: readonly string[];
}

/** How much of a browser's call log is told: where it stood at the end. */
const LAST_STEPS = 4;

/** What a failure says in one line; of generated cases also the seed and the case, which play it again; of a browser what it waited for. */
const inOneLine = (text = ''): string => {
  const lines = stripVTControlCharacters(text).trim().split('\n');
  if (lines[0]!.includes('Property failed after')) return lines.slice(0, 3).join(' ');
  const steps = lines.slice(lines.indexOf('Call log:') + 1).filter((line) => /^ +- /.test(line));
  return [lines[0], ...(lines.includes('Call log:') ? steps.slice(-LAST_STEPS).map((step) => step.trim()) : [])].join(' ');
};

/** Totals of vitest's JSON report. A file that failed before its first test (it does not load) counts as one failure. */
export function totalsOfVitest(report: VitestReport): Totals {
  const files = report.testResults ?? [];
  const unloaded = files.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failures = [
    ...unloaded.map(({ name, message }) => `${basename(name)}: ${inOneLine(message)}`),
    ...files.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ fullName, failureMessages }) => `${basename(name)}: ${fullName}: ${inOneLine(failureMessages?.[0])}`),
    ),
  ];
  return { passed: report.numPassedTests ?? 0, failed: (report.numFailedTests ?? 0) + unloaded.length, failures };
}
