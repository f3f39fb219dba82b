import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCluster } from '@runnel/e2e';
import { goTool } from '../../scripts/go-tools.mjs';
import { CLUSTER_SCRIPTS, loadtestBundles } from '../../scripts/lib/loadtest-bundles.ts';
import { runCommand } from '../../scripts/lib/command.ts';
import { LEAST, render } from './chart.ts';

const ENABLED = [...LEAST, 'loadTest.enabled=true'];

/** The files that the Job gives to k6, which of them it runs, and the Job. */
const rendered = (set: readonly string[]) => {
  const manifests = render({ set: [...ENABLED, ...set] });
  const find = (kind: string) => manifests.find((one) => one.kind === kind && one.metadata.name === 'runnel-load-test')!;
  const { data } = find('ConfigMap') as unknown as { data: Record<string, string> };
  const folder = mkdtempSync(join(tmpdir(), 'runnel-load-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(data)) writeFileSync(join(folder, name), script);
  const job = find('Job');
  const container = job.spec.template!.spec.containers[0]!;
  return { file: join(folder, basename(container.command!.at(-1)!)), files: Object.keys(data).toSorted(), job, container };
};

test('the load test is not there unless it is asked for, and runs with `helm test` alone', () => {
  expect(render({ set: LEAST }).filter(({ kind }) => kind === 'Job')).toEqual([]);
  const { job, container } = rendered(['loadTest.url=wss://chat.example.org', 'loadTest.profile=load', 'loadTest.deadlineSeconds=60']);
  expect(job.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'test' });
  expect(job.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 60 });
  // The policies that let the test's pod through are by this label.
  expect(job.spec.template!.metadata.labels).toMatchObject({ 'app.kubernetes.io/component': 'test' });
  expect(container.env).toContainEqual({ name: 'RUNNEL_URL', value: 'wss://chat.example.org' });
  expect(container.env).toContainEqual({ name: 'K6_PROFILE', value: 'load' });
});

test.each(CLUSTER_SCRIPTS)('k6 reads %s as the Job has it, thresholds included', (script) => {
  const { file, files, container } = rendered([`loadTest.script=${script}`]);
  expect(files).toEqual(['shared.js', `${script}.js`].toSorted());
  expect(container.command).toEqual(['k6', 'run', '--quiet', `/scripts/${script}.js`]);
  const { status, stdout, stderr } = spawnSync(goTool('k6'), ['inspect', file], { encoding: 'utf8', timeout: 60_000 });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(Object.keys((JSON.parse(stdout) as { thresholds: object }).thresholds)).not.toEqual([]);
});

test('what the scripts share is in one file, and in none of them', async () => {
  const { 'helm/runnel/loadtest/shared.js': shared, ...scripts } = await loadtestBundles();
  // Lines that say something: not a brace, not an import.
  const lines = shared!.split('\n').filter((line) => line.trim().length > 30 && !/^import |^\/\//.test(line));
  expect(lines.length).toBeGreaterThan(80);
  for (const [file, script] of Object.entries(scripts)) {
    const own = new Set(script.split('\n'));
    expect(
      lines.filter((line) => own.has(line)),
      file,
    ).toEqual([]);
  }
});

test('the Job asks a Runnel and ends with the verdict: 0 when every answer is whole, else another code', async () => {
  const cluster = await startCluster({ gateways: 1, ai: 1 });
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
  });
  const { file, container } = rendered(['loadTest.script=cancel', 'loadTest.profile=short']);
  const run = (url: string) => {
    const env = Object.fromEntries(container.env!.map(({ name, value = '' }) => [name, value.replace('ws://runnel-gateway:8080', url)]));
    return runCommand(goTool('k6'), ['run', '--quiet', file], { env });
  };
  const { code, output } = await run(cluster.gateways[0]!.url.replace('http', 'ws'));
  expect(output).toContain('runnel_answers_whole');
  // On a machine that others use, times may cross their thresholds; what was read may not be wrong.
  expect([0, 99]).toContain(code);
  expect(output).toMatch(/runnel_answers_whole\.*: 100\.00%/);
  await cluster.gateways[0]!.kill();
  expect((await run(cluster.gateways[0]!.url.replace('http', 'ws'))).code).toBe(99);
}, 180_000);
