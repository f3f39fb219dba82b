/**
 * `npm run test:k8s`: the chart on a real cluster, under load, with every viewer checking every byte.
 * Any cluster by KUBECONFIG (K8S_LOAD_IMAGE loads a tar into it, K8S_RUN is put before what must run inside its network); without
 * one, two nodes on this machine by the tools beside the checkout. If there is no cluster, the run fails and says why.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { goTool } from '../scripts/go-tools.mjs';
import { root, runCommand, runNode } from '../scripts/lib/command.ts';
import { openCluster } from './lib/cluster.ts';

const IMAGES = ['gateway', 'ai', 'redis'];
const say = (line: string): void => console.log(line);

interface StepLine {
  name: string;
  ok: boolean;
  ms: number;
  notes?: string[];
  error?: string;
}

const totals = { passed: 0, failed: 0 };

const show = (line: string): void => {
  if (!line.startsWith('{')) return say(line);
  const { name, ok, ms, notes = [], error } = JSON.parse(line) as StepLine;
  totals[ok ? 'passed' : 'failed']++;
  say(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(52)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${notes.join('; ')}`);
  if (error) say(`     ${error.replaceAll('\n', '\n     ')}`);
};

const buildImages = async (): Promise<string[]> => {
  const { code, output } = await runNode(['scripts/images/build.mjs', ...IMAGES]);
  if (code !== 0) throw new Error(`the images could not be built:\n${output.slice(-2000)}`);
  return IMAGES.map((name) => join(root, 'dist/images', `${name}.tar`)).filter((tar) => statSync(tar).isFile());
};

const main = async (): Promise<number> => {
  goTool('helm4');
  const tars = await buildImages();
  const cluster = await openCluster(process.env);
  try {
    for (const tar of tars) await cluster.load(tar);
    const [program, ...args] = [...cluster.prefix, process.execPath, 'k8s/suite.ts'];
    return (await runCommand(program!, args, { env: cluster.env, onLine: show })).code;
  } finally {
    await cluster.close();
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  show(JSON.stringify({ name: 'a cluster to test on', ok: false, ms: 0, error: message }));
  process.exitCode = 1;
}
say(`${totals.passed} passed, ${totals.failed} failed`);
