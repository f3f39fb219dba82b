import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildImages, imagesIn } from './harness/processes/images.ts';
import { exitOnSignals, fillCompileCache, podsLeft } from './harness/processes/pod.ts';
import type { ClusterOptions } from './harness/processes/cluster.ts';
import { createRandom } from './harness/random.ts';
import { portsOf } from '@runnel/kit/testing';
import { readPart, scenariosOf, type Scenario } from './harness/scenario.ts';
import { createStage, type Stage } from './harness/stage.ts';
import { within } from './harness/wait.ts';
import { SCENARIOS } from './scenarios/index.ts';

const USAGE = `e2e: whole-system scenarios on real processes
  --list          names and promises
  --only a,b      scenarios whose name contains one of these
  --part k/n      the k-th of n parts, for n processes side by side; alone: what measures, and bears no company
  --seed n        repeats a run (printed on failure)
  --repeat n      each scenario n times, with the seeds that follow
  --sources       runs the services' sources, for a debugger; without it: what their images hold, made anew
  --images dir    runs what another process has made of them (buildImages)
  --json          one JSON line per result
  --keep-logs     keeps the pods' logs also on success`;

interface Result {
  name: string;
  promise: string;
  seed: number;
  ok: boolean;
  ms: number;
  notes: string[];
  /** It could not be tried here, and counts as nothing; a note says why. */
  notRun?: true;
  error?: string;
}

interface Ways {
  /** Null: the services run from their sources. */
  images: ClusterOptions['images'] | null;
  keepLogs: boolean;
}

/** How the note of a scenario begins that found no way to be tried. */
const NOT_RUN = 'NOT RUN';

/** The last lines of each pod's log that say something went wrong. */
const troubleIn = async (logDir: string): Promise<string> => {
  const files = await readdir(logDir).catch(() => []);
  const parts = await Promise.all(
    files
      .filter((file) => file.endsWith('.log'))
      .map(async (file) => {
        const lines = (await readFile(join(logDir, file), 'utf8'))
          .split('\n')
          .filter((line) => /"level":[56]0|"level":"(error|fatal)"|^[^{]/.test(line));
        return lines.length > 0 ? `-- ${file}\n${lines.slice(-6).join('\n').slice(0, 3_000)}` : '';
      }),
  );
  return parts.filter(Boolean).join('\n');
};

const play = async (scenario: Scenario, seed: number, { images, keepLogs }: Ways): Promise<Result> => {
  const startedAt = performance.now();
  const notes: string[] = [];
  const result = (error?: string): Result => ({
    name: scenario.name,
    promise: scenario.promise,
    seed,
    ok: error === undefined,
    ...(notes.some((note) => note.startsWith(NOT_RUN)) && { notRun: true as const }),
    ms: Math.round(performance.now() - startedAt),
    notes,
    ...(error !== undefined && { error }),
  });
  let stage: Stage | undefined;
  try {
    stage = await createStage({ ...(images && { images }), ...scenario.cluster }, createRandom(seed), (line) => notes.push(line));
    await within(scenario.run(stage), scenario.deadlineMs ?? 30_000, scenario.name);
    stage.closeViewers();
    await stage.cluster.close();
    if (podsLeft() > 0) throw new Error(`${podsLeft()} processes were left behind`);
    if (!keepLogs) await stage.cluster.removeLogs();
    return result();
  } catch (error) {
    const cause = error instanceof Error && error.cause ? `\ncaused by ${String(error.cause)}` : '';
    const { logDir } = stage?.cluster ?? {};
    stage?.closeViewers();
    await stage?.cluster.close().catch((failure: unknown) => notes.push(`close: ${String(failure)}`));
    const trouble = logDir ? `\nlogs in ${logDir}\n${await troubleIn(logDir)}` : '';
    return result(`${error instanceof Error ? error.message : String(error)}${cause}${trouble}`);
  }
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      list: { type: 'boolean' },
      only: { type: 'string' },
      part: { type: 'string' },
      seed: { type: 'string' },
      repeat: { type: 'string', default: '1' },
      sources: { type: 'boolean' },
      images: { type: 'string' },
      json: { type: 'boolean' },
      'keep-logs': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const wanted = values.only?.split(',') ?? [''];
  const part = readPart(values.part);
  if (typeof part === 'object') portsOf(part);
  const scenarios = scenariosOf(SCENARIOS, part).filter(({ name }) => wanted.some((one) => name.includes(one)));
  if (values.list) {
    scenarios.forEach(({ name, promise }) => console.log(`${name.padEnd(36)} ${promise}`));
    return 0;
  }
  if (scenarios.length === 0) throw new Error(`no scenario is named like ${values.only}`);
  const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  await using images = values.sources ? null : values.images === undefined ? await buildImages() : imagesIn(values.images);
  if (images === null) await fillCompileCache();
  let failed = 0;
  for (let round = 0; round < Number(values.repeat); round++) {
    for (const scenario of scenarios) {
      const result = await play(scenario, firstSeed + round, { images, keepLogs: values['keep-logs'] ?? false });
      if (!result.ok) failed++;
      if (values.json) console.log(JSON.stringify(result));
      else {
        console.log(
          `${!result.ok ? 'FAIL' : result.notRun ? '-   ' : 'ok  '} ${result.name.padEnd(36)} ${(result.ms / 1_000).toFixed(1).padStart(5)} s  ${result.notes.join('; ')}`,
        );
        if (result.error)
          console.log(
            `     ${result.error.replaceAll('\n', '\n     ')}\n     again: npm run e2e -- --only ${result.name} --seed ${result.seed}`,
          );
      }
    }
  }
  if (!values.json) console.log(failed === 0 ? 'all promises held' : `${failed} failed`);
  return failed === 0 ? 0 : 1;
};

exitOnSignals();
const code = await main().catch((error: unknown) => {
  console.error(error);
  return 1;
});
// What clients of others leave behind (a timer, a request that they begin when they are left) must not keep a run alive that is over.
process.stdout.write('', () => process.exit(code));
