import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noKubeServer } from '../../packages/kube/testing/programs.ts';
import { buildImages } from '../../e2e/harness/processes/images.ts';
import { runChecks } from '../check.ts';
import { runNode } from './command.ts';
import { installJavaScriptClients, JAVASCRIPT_TESTS } from './install-clients.ts';
import { totalsOfVitest, type Totals } from './totals.ts';

export interface TierOutcome extends Totals {
  /** Set when the tier's program itself ended badly. */
  problem?: string;
}

export interface Tier {
  name: string;
  /** Names of `scripts/system.mjs`. */
  needs: readonly string[];
  /** Why it cannot be tried here; it then counts as nothing. */
  notRun?: string | undefined;
  run(): Promise<TierOutcome>;
}

/** The tiers of `npm test`, cheap ones first. */
export const TIERS: readonly Tier[] = [
  { name: 'check', needs: [], run: runChecks },
  { name: 'unit', needs: [], run: () => runVitest('unit') },
  {
    name: 'clients',
    needs: [],
    run: async () => runVitestOn(['unit'], { files: JAVASCRIPT_TESTS, env: await installJavaScriptClients() }),
  },
  { name: 'observability', needs: ['promtool'], run: () => runVitest('observability') },
  { name: 'chart', needs: ['nginx', 'kube-schemas', 'crd-schemas'], run: () => runVitest('chart') },
  { name: 'kube', needs: [], notRun: noKubeServer, run: () => runVitest('kube') },
  { name: 'redis', needs: ['redis-server'], run: () => runVitest('redis') },
  { name: 'postgres', needs: ['postgresql', 'redis-server'], run: () => runVitest('postgres') },
  { name: 'kafka', needs: ['java', 'maven', 'openssl', 'postgresql', 'redis-server'], run: () => runVitest('kafka') },
  { name: 'browser', needs: ['redis-server', 'chromium-headless-shell'], run: () => runVitest('browser', 'browser-measures') },
  { name: 'e2e', needs: ['redis-server', 'nginx', 'postgresql', 'java', 'maven'], run: runScenarios },
  { name: 'loadtest', needs: ['redis-server', 'nginx'], run: runLoadtests },
];

/** The targets of P-7 through a real nginx in both of its modes, k6's exit code is the verdict; and the proof that it can fail. */
async function runLoadtests(): Promise<TierOutcome> {
  const totals: Totals = { passed: 0, failed: 0 };
  const passes = async (args: string[]): Promise<boolean> => (await runNode(args, { onLine: (line) => console.log(line) })).code === 0;
  const smoke = (mode: string): string[] => ['loadtest/run.ts', 'smoke', '--mode', mode];
  const short = (script: string): string[] => ['loadtest/run.ts', 'short', '--script', script];
  const loads = [smoke('round-robin'), smoke('cookie'), ...['v1', 'tools', 'upload'].map(short)];
  const proofs = ['stream', 'upload', 'tools'].map((script) => ['loadtest/prove-slow.ts', script]);
  for (const args of [...loads, ...proofs]) {
    let passed = await passes(args);
    if (!passed && loads.includes(args)) {
      // Machines are shared: somebody else's second of work is not our latency. A slow build fails each time (prove-slow).
      console.log('the thresholds were crossed; measured once more');
      passed = await passes(args);
    }
    totals[passed ? 'passed' : 'failed']++;
  }
  return totals;
}

const runVitest = (...projects: string[]): Promise<TierOutcome> => runVitestOn(projects, { files: [], env: {} });

/** Runs projects of vitest.config.ts, or some files of them. */
async function runVitestOn(
  projects: readonly string[],
  some: { files: readonly string[]; env: Record<string, string> },
): Promise<TierOutcome> {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-test-'));
  const reportFile = join(dir, 'report.json');
  try {
    const { code } = await runNode(
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        ...projects.map((project) => `--project=${project}`),
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
        ...some.files,
      ],
      { onLine: (line) => console.log(line), env: some.env },
    );
    const report = await readFile(reportFile, 'utf8').catch(() => undefined);
    if (report === undefined) return { passed: 0, failed: 0, problem: `vitest ended with code ${code} and no report` };
    const totals = totalsOfVitest(JSON.parse(report) as Parameters<typeof totalsOfVitest>[0]);
    return code === 0 ? totals : { ...totals, problem: `vitest ended with code ${code}` };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface ScenarioLine {
  name: string;
  ok: boolean;
  ms: number;
  /** Could not be tried here: counts as nothing. */
  notRun?: boolean;
  seed?: number;
  /** Figures worth seeing. */
  notes?: readonly string[];
  error?: string;
}

/** Most scenarios wait for most of their time: two side by side, and then what measures by itself. */
async function runScenarios(): Promise<TierOutcome> {
  const failures: string[] = [];
  const totals: Totals = { passed: 0, failed: 0, failures };
  const onLine = (line: string): void => {
    const result = parseScenario(line);
    if (result === undefined) {
      console.log(line);
      return;
    }
    const isCounted = !result.ok || result.notRun !== true;
    if (isCounted) totals[result.ok ? 'passed' : 'failed']++;
    console.log(
      `${!result.ok ? 'FAIL' : isCounted ? 'ok  ' : '-   '} ${result.name.padEnd(40)} ${(result.ms / 1000).toFixed(1).padStart(6)} s  ${(result.notes ?? []).join('; ')}`,
    );
    if (result.ok) return;
    const seed = `seed ${result.seed ?? 'none'}`;
    console.log(`     ${(result.error ?? '').replaceAll('\n', '\n     ')}\n     ${seed}`);
    failures.push(`${result.name}, ${seed}: ${(result.error ?? '').split('\n', 1)[0]}`);
  };
  await using images = await buildImages();
  const args = ['e2e/run.ts', '--json', '--images', images.folder];
  const play = async (part: string): Promise<number> => (await runNode([...args, '--part', part], { onLine })).code;
  const codes = [...(await Promise.all(['1/2', '2/2'].map(play))), await play('alone')];
  const bad = codes.find((code) => code !== 0);
  return bad === undefined ? totals : { ...totals, problem: `e2e/run.ts ended with code ${bad}` };
}

function parseScenario(line: string): ScenarioLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as Partial<ScenarioLine>;
    return typeof value.name === 'string' && typeof value.ok === 'boolean'
      ? { ms: 0, ...value, name: value.name, ok: value.ok }
      : undefined;
  } catch {
    return undefined;
  }
}
