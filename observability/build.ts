/**
 * `node observability/build.ts` writes the Prometheus rules, their promtool tests and the Grafana dashboards from `slo.yaml`,
 * `alerts.ts` and `dashboards/`. `--check` only says what is stale.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { stringify } from 'yaml';
import { CAUSES } from './alerts.ts';
import { DASHBOARDS } from './dashboards/index.ts';
import { toGrafana } from './lib/grafana.ts';
import { buildRules } from './lib/rules.ts';
import { buildRuleTests } from './lib/rule-tests.ts';
import { readSlos } from './lib/slo.ts';
import { SITUATIONS } from './outages.ts';

export const RULES = 'helm/runnel/rules/runnel.yaml';
export const RULE_TESTS = 'observability/rules.test.yaml';
const DASHBOARD_FOLDER = 'helm/runnel/dashboards';
const root = join(import.meta.dirname, '..');
const HEAD = '# Written by observability/build.ts; do not edit.\n';

/** Path from the root → text. */
export const generatedFiles = (): Map<string, string> => {
  const slos = readSlos();
  const rules = buildRules(slos, CAUSES);
  const ruleFile = relative(dirname(RULE_TESTS), RULES);
  const tests = buildRuleTests({ rules, slos, causes: CAUSES, situations: SITUATIONS, ruleFile });
  const yaml = (value: unknown): string => HEAD + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
  return new Map([
    [RULES, yaml(rules)],
    [RULE_TESTS, yaml(tests)],
    ...DASHBOARDS.map((board): [string, string] => [
      `${DASHBOARD_FOLDER}/${board.uid}.json`,
      `${JSON.stringify(toGrafana(board), null, 1)}\n`,
    ]),
  ]);
};

/** The files whose text on disk is not what would be written. */
export const staleFiles = async (): Promise<string[]> => {
  const found = await Promise.all(
    [...generatedFiles()].map(async ([path, text]) => {
      const onDisk = await readFile(join(root, path), 'utf8').catch(() => null);
      return onDisk === text ? null : path;
    }),
  );
  return found.filter((path) => path !== null);
};

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await staleFiles();
    if (stale.length > 0) {
      console.error(`stale: ${stale.join(', ')}: run node observability/build.ts`);
      process.exitCode = 1;
    }
  } else {
    for (const [path, text] of generatedFiles()) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
  }
}
