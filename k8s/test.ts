/**
 * `npm run test:k8s`: the chart on a real cluster, under load, with every viewer checking every byte.
 * Any cluster by KUBECONFIG (k8s/README.md has the other settings); without one, two nodes on this machine by the tools beside
 * the checkout. If there is no cluster, the run fails and says why.
 *   npm run test:k8s -- operator  the operator, on a release of its own: eight minutes that `.ci/run` does not have
 *   npm run test:k8s -- figures   measures instead: 300 live answers through a rolling update of everything
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { goTool } from '../scripts/go-tools.mjs';
import { root, runCommand, runNode } from '../scripts/lib/command.ts';
import { breakImage } from './lib/broken-image.ts';
import { findCluster } from './lib/cluster.ts';
import { k6Image } from './lib/k6-image.ts';

const IMAGES = ['gateway', 'ai', 'audit', 'web', 'redis', 'postgres', 'kafka'];
/** Tells `.ci/run` a machine without a cluster from a failed test. */
const NO_CLUSTER = 3;
const SCRIPTS: Record<string, string> = { suite: 'k8s/suite.ts', figures: 'k8s/figures.ts', operator: 'k8s/operator/run.ts' };
const say = (line: string): void => console.log(line);

interface StepLine {
  name: string;
  ok: boolean;
  ms: number;
  notes?: string[];
  error?: string;
}

const totals = { passed: 0, failed: 0 };
/** Said once more at the end: of a long output its middle is often not kept. */
const failures: string[] = [];

const show = (line: string): void => {
  if (!line.startsWith('{')) return say(line);
  const { name, ok, ms, notes = [], error } = JSON.parse(line) as StepLine;
  totals[ok ? 'passed' : 'failed']++;
  say(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(52)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${notes.join('; ')}`);
  if (error) {
    failures.push(`FAIL k8s: ${name}: ${error.slice(0, 1_000)}`);
    say(`     ${error.replaceAll('\n', '\n     ')}`);
  }
};

const buildImages = async (images: readonly string[]): Promise<string[]> => {
  const { code, output } = await runNode(['scripts/images/build.mjs', ...images]);
  if (code !== 0) throw new Error(`the images could not be built:\n${output.slice(-2000)}`);
  const tars = images.map((name) => join(root, 'dist/images', `${name}.tar`)).filter((tar) => statSync(tar).isFile());
  return images.includes('operator') ? [...tars, await breakImage(tars[images.indexOf('ai')]!)] : tars;
};

/** Says why there is no cluster; that is not a failed test, and `.ci/run` wants to know. */
const orNone = async <T>(get: () => T | Promise<T>): Promise<T | null> => {
  try {
    return await get();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    show(JSON.stringify({ name: 'a cluster to test on', ok: false, ms: 0, error: message }));
    return null;
  }
};

const main = async (script: string): Promise<number> => {
  const open = await orNone(() => findCluster(process.env));
  if (open === null) return NO_CLUSTER;
  say('helm and the images are built; the first time takes minutes');
  goTool('helm4');
  const tars = await buildImages(script === SCRIPTS['operator'] ? [...IMAGES, 'operator'] : IMAGES);
  if (script === SCRIPTS['suite']) tars.push(await k6Image());
  say('the cluster is brought up; the first time on this machine takes a quarter of an hour');
  const cluster = await orNone(open);
  if (cluster === null) return NO_CLUSTER;
  try {
    for (const tar of tars) await cluster.load(tar);
    const [program, ...args] = [...cluster.prefix, process.execPath, script];
    return (await runCommand(program!, args, { env: cluster.env, onLine: show })).code;
  } finally {
    await cluster.close();
  }
};

const [name = 'suite'] = process.argv.slice(2);
const script = SCRIPTS[name];
if (script === undefined) say(`say one of: ${Object.keys(SCRIPTS).join(', ')}`);
try {
  process.exitCode = script === undefined ? 64 : await main(script);
} catch (error) {
  show(JSON.stringify({ name: 'images and cluster', ok: false, ms: 0, error: error instanceof Error ? error.message : String(error) }));
  process.exitCode = 1;
}
failures.forEach(say);
say(`${totals.passed} passed, ${totals.failed} failed`);
