import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
const LOOK_MS = 20_000;
const MOST_LOOKS = 4;
/** Of `/proc/<pid>/stat`. */
const TICKS_A_SECOND = 100;

const cpuSeconds = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
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
    const bytes = await ownBytes(pid);
    // What the walk began, such as Node's compiling of what ran often, may still be at work in the first look.
    const looks: number[] = [];
    do {
      const from = await cpuSeconds(pid);
      await delay(LOOK_MS);
      looks.push(((await cpuSeconds(pid)) - from) / (LOOK_MS / 1000));
    } while (looks.length < MOST_LOOKS && looks.at(-1)! >= IDLE_CORES);
    const milli = looks.map((cores) => `${(cores * 1000).toFixed(1)} m`).join(', ');
    console.log(`the operator: ${Math.round(bytes / 2 ** 20)} MiB of its own, ${milli}`);
    expect(bytes).toBeLessThan(MOST_BYTES);
    expect(looks.at(-1)).toBeLessThan(IDLE_CORES);
  });
});
