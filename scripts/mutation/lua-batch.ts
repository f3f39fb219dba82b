// Run by vitest for `lua.ts`, in a copy of the sources: the contract and the quick suites, once for each mutant, all in one process, for most
// of what a run of vitest costs is its start. Of the tests those run that run the mutant's script, until the first one that fails.
import { appendFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, onTestFailed, vi, type RunnerTask } from 'vitest';
import { runLogContract } from '../../packages/coordination/test/run-log.contract.ts';
import { openRedisLog } from '../../packages/coordination/testing/open-redis-log.ts';
import { startRedis } from '../../packages/coordination/testing/index.ts';
import { scriptsOf, testsThatRun, type Coverage } from './lua-coverage.ts';
import { SCRIPTS, type Mutant } from './lua-mutants.ts';

/** What became of the mutant of this name: the test that noticed it, or null. */
export interface Verdict {
  name: string;
  killer: string | null;
  /** The first line of what it said: a kill by a timeout proves little on a busy machine. */
  error?: string;
}
export interface Batch {
  mutants: readonly (Mutant & { name: string })[];
  /** What the contract overlooks: what lies in Redis, and for how long. Paths from the root. */
  suites: readonly string[];
  /** Null: there is no mutant, and it is to be noted here. */
  coverage: Coverage | null;
}

const { mutants, suites, coverage } = JSON.parse(readFileSync(process.env.BATCH!, 'utf8')) as Batch;
const sources = new Map(globSync('**/*.lua', { cwd: SCRIPTS }).map((file) => [file, readFileSync(join(SCRIPTS, file), 'utf8')]));

let running = '';
/** Without a mutant: what fails by itself proves nothing of one. */
const unfit = new Set<string>();
const ran: Record<string, Set<string>> = {};
const note = (name: string): void => void (ran[running] ??= new Set()).add(name);
vi.mock('../../packages/coordination/src/redis/scripts.ts', async (load) => {
  const scripts = await load<typeof import('../../packages/coordination/src/redis/scripts.ts')>();
  const registerScripts: typeof scripts.registerScripts = (client) => {
    const { run, runLarge, runMany } = scripts.registerScripts(client);
    return {
      run: (name, ...rest) => (note(name), run(name, ...rest)),
      runLarge: (name, ...rest) => (note(name), runLarge(name, ...rest)),
      runMany: (name, ...rest) => (note(name), runMany(name, ...rest)),
    };
  };
  return { ...scripts, registerScripts };
});

const failureIn = (task: RunnerTask): Omit<Verdict, 'name'> | undefined => {
  const inner = 'tasks' in task ? task.tasks.map(failureIn).find((failure) => failure !== undefined) : undefined;
  if (inner || task.result?.state !== 'fail') return inner;
  return { killer: task.name, error: task.result.errors?.[0]?.message.split('\n')[0] ?? '' };
};
/** Who has no key of the store's generation, does not read what a log was before it, and is not part of one that does, knows nothing of it. */
const knowsTheStore = (file: string, lua: string): boolean => file.startsWith('include/') || /^-- KEYS .*\bstore\b|'before'/m.test(lua);
/** Its name below the mutant's. */
const pathOf = (task: RunnerTask): string => (task.suite?.suite ? `${pathOf(task.suite)} > ${task.name}` : task.name);

for (const [index, { name, file, lua }] of mutants.entries()) {
  const path = join(SCRIPTS, file);
  const original = readFileSync(path, 'utf8');
  const able = coverage && testsThatRun(scriptsOf(file, sources), coverage);
  describe(name, async () => {
    let failed = false;
    beforeAll(() => writeFileSync(path, lua));
    beforeEach(({ task, skip }) => {
      running = pathOf(task);
      if (failed || (able && !able.has('') && !able.has(running))) skip();
      onTestFailed(() => {
        if (coverage === null) unfit.add(running);
        else failed = true;
      });
    });
    afterEach(() => void (running = ''));
    afterAll(({}, suite) => {
      writeFileSync(path, original);
      const verdict: Verdict = { name, ...(failureIn(suite) ?? { killer: null }) };
      appendFileSync(process.env.VERDICTS!, `${JSON.stringify(verdict)}\n`);
    });
    const open = () =>
      openRedisLog(
        () => startRedis(),
        (redis) => [redis],
      );
    runLogContract('redis', open, { changedStore: !coverage || knowsTheStore(file, original) });
    for (const suite of suites) {
      const title = basename(suite);
      if (able && !able.has('') && ![...able].some((test) => test.startsWith(`${title} > `))) continue;
      describe(title, async () => {
        // A suite may open its log while it is read, which is when the scripts are.
        writeFileSync(path, lua);
        try {
          // Its tests once more for each mutant: a module is read again under another address.
          await import(/* @vite-ignore */ `${join(process.cwd(), suite)}?of=${index}`);
        } finally {
          writeFileSync(path, original);
        }
      });
    }
  });
}

afterAll(() => {
  if (coverage !== null) return;
  const noted = Object.entries(ran).map(([test, names]) => [test, unfit.has(test) ? [] : [...names]] as const);
  writeFileSync(process.env.COVERAGE!, JSON.stringify(Object.fromEntries(noted)));
});
