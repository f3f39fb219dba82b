import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@runnel/kit/testing';
import { waitFor, type Cluster } from '@runnel/e2e';
import { stringify } from 'yaml';
import { findPrometheus } from '../../scripts/promtool.mjs';

export interface Series {
  labels: Record<string, string>;
  /** Seconds since the epoch, value. */
  points: [number, number][];
}
export interface Prometheus extends AsyncDisposable {
  range(expr: string, from: number, to: number, step: number): Promise<Series[]>;
}

interface RangeAnswer {
  data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
}

const RULES = join(import.meta.dirname, '../../helm/runnel/rules/runnel.yaml');
const SCRAPE = '2s';
const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** The same rules with every window and every wait so many times shorter: what takes an hour to fire does in minutes. */
export const hurry = (rules: string, times: number): string =>
  rules.replaceAll(
    /(\[|for: )(\d+)([smhd])/g,
    (_, before: string, count: string, unit: keyof typeof SECONDS) => `${before}${Math.ceil((Number(count) * SECONDS[unit]) / times)}s`,
  );

/** A real Prometheus that scrapes the pods of a cluster and evaluates our rules, on a clock that is so many times faster. */
export const startPrometheus = async (cluster: Cluster, times = 1): Promise<Prometheus> => {
  const program = findPrometheus();
  if (program === undefined) throw new Error('There is no prometheus: node scripts/system.mjs prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'runnel-prometheus-'));
  const port = await freePort();
  const pods = [...cluster.gateways, ...cluster.ai, ...(cluster.audit ? [cluster.audit] : [])];
  const targets = pods.map((pod) => new URL(pod.internalUrl).host);
  const config = {
    global: { scrape_interval: SCRAPE, evaluation_interval: SCRAPE },
    rule_files: [join(folder, 'rules.yaml')],
    scrape_configs: [{ job_name: 'runnel', honor_labels: true, static_configs: [{ targets }] }],
  };
  await writeFile(join(folder, 'prometheus.yaml'), stringify(config));
  await writeFile(join(folder, 'rules.yaml'), hurry(await readFile(RULES, 'utf8'), times));
  const options = [
    `--config.file=${folder}/prometheus.yaml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(program, [...options, '--enable-feature=exemplar-storage', '--log.level=error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const ready = async (): Promise<boolean> => (await fetch(`${url}/-/ready`).catch(() => null))?.ok ?? false;
  await waitFor(ready, { deadlineMs: 15_000, what: 'Prometheus to be ready' });
  return {
    async range(expr, from, to, step) {
      const query = new URLSearchParams({ query: expr, start: `${from}`, end: `${to}`, step: `${step}` });
      const answer = await fetch(`${url}/api/v1/query_range?${query}`);
      if (!answer.ok) throw new Error(`${expr}: ${await answer.text()}`);
      const { data } = (await answer.json()) as RangeAnswer;
      return data.result.map(({ metric, values }) => ({ labels: metric, points: values.map(([at, value]) => [at, Number(value)]) }));
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
