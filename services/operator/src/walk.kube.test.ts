import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay, waitFor } from '@runnel/kit';
import { noKubeServer } from '@runnel/kube/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crds } from './kinds/crd.ts';
import { startRelease, type Release } from '../testing/release.ts';
import { startStage, type Stage } from '../testing/stage.ts';
import { patternOf, shellAt, stepsOfWalk, type Shell } from '../testing/walk.ts';

/** Of its own: files that it maps, such as Node, it shares with others on the node. */
const MOST_BYTES = 100 * 1024 * 1024;
const IDLE_CORES = 0.005;
/** What Node still does of the walk, such as one collection of 90 ms, is over by then. */
const SETTLE_MS = 30_000;
const LOOK_MS = 40_000;

/** To the nanosecond: `stat` counts ticks of 10 ms that happen to meet the process, three more or less of the seven of an idle look. */
const cpuSeconds = async (pid: number): Promise<number> => {
  const threads = await readdir(`/proc/${pid}/task`);
  const spent = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')));
  return spent.reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1e9, 0);
};
const ownBytes = async (pid: number): Promise<number> =>
  Number(/^RssAnon:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

describe.skipIf(noKubeServer)('docs/operator.md', () => {
  let stage: Stage;
  let shell: Shell;
  let release: Release;
  let dir: string;
  let pid: number;
  beforeAll(async () => {
    stage = await startStage();
    dir = await mkdtemp(join(tmpdir(), 'runnel-published-'));
    release = await startRelease(stage.api, dir);
    stage.follow(release.taken);
    for (const name of ['ai-1', 'ai-2']) await stage.pod(name, 'ai');
    await stage.deployment('ai', 2);
    shell = await shellAt(stage.server, release.url);
    pid = stage.operatorProcess('walker', 'real', dir).pid!;
    await waitFor(async () => (await stage.holder()) !== '', { deadlineMs: 60_000, what: 'the operator leads' });
  }, 300_000);
  afterAll(async () => {
    await shell?.close();
    await release?.close();
    await stage?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  test('O-1 the walk of a newcomer: each command works, and prints what the document says', { timeout: 300_000 }, async () => {
    const steps = await stepsOfWalk();
    expect(steps.length).toBeGreaterThan(6);
    expect(steps.filter(({ prints }) => prints.length > 0).length).toBeGreaterThan(3);
    for (const { command, prints } of steps) {
      const printed = await shell.run(command);
      for (const line of prints) expect(printed, command).toMatch(patternOf(line));
    }
    await waitFor(async () => (await stage.published()).every(({ id }) => id !== 'gpt'), {
      deadlineMs: 120_000,
      everyMs: 500,
      what: 'it is gone',
    });
  });

  test('O-2 kubectl explain says of every field what it is', { timeout: 60_000 }, async () => {
    for (const crd of crds()) {
      const { names, versions } = crd.spec;
      const { properties } = versions[0]!.schema.openAPIV3Schema.properties!['spec']!;
      const told = await shell.run(`kubectl explain ${names.singular}.spec`);
      expect(told).not.toContain('<no description>');
      for (const name of Object.keys(properties!)) {
        expect(told, `${names.singular}.spec.${name}`).toMatch(new RegExp(`^  ${name}\\t<[^>]+>(?:.*\\n)+?    \\S`, 'm'));
      }
    }
  });

  test('O-3 it needs less than 100 MiB of its own, and idle less than 5 m of a core', { timeout: 120_000 }, async () => {
    await delay(SETTLE_MS);
    const from = await cpuSeconds(pid);
    await delay(LOOK_MS);
    const cores = (await cpuSeconds(pid)) - from;
    const figures = { bytes: await ownBytes(pid), cores: cores / (LOOK_MS / 1000) };
    console.log(`the operator: ${Math.round(figures.bytes / 2 ** 20)} MiB of its own, ${(figures.cores * 1000).toFixed(1)} m`);
    expect(figures.bytes).toBeLessThan(MOST_BYTES);
    expect(figures.cores).toBeLessThan(IDLE_CORES);
  });
});
