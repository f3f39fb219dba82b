// Run by vitest for `lua.ts`, in a copy of the sources: the contract, once for each mutant, all in one process, for most of what a run of
// vitest costs is its start. A mutant's first failing test is the last of its tests that runs.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, onTestFailed, type RunnerTask } from 'vitest';
import { runLogContract } from '../../packages/coordination/test/run-log.contract.ts';
import { openRedisLog } from '../../packages/coordination/testing/open-redis-log.ts';
import { startRedis } from '../../packages/coordination/testing/index.ts';
import { SCRIPTS, type Mutant } from './lua-mutants.ts';

/** What became of the mutant of this name: the test that noticed it, or null. */
export interface Verdict {
  name: string;
  killer: string | null;
  /** The first line of what it said: a kill by a timeout proves little on a busy machine. */
  error?: string;
}

const failureIn = (task: RunnerTask): Omit<Verdict, 'name'> | undefined => {
  const inner = 'tasks' in task ? task.tasks.map(failureIn).find((failure) => failure !== undefined) : undefined;
  if (inner || task.result?.state !== 'fail') return inner;
  return { killer: task.name, error: task.result.errors?.[0]?.message.split('\n')[0] ?? '' };
};
/** Who has no key of the store's generation, does not read what a log was before it, and is not part of one that does, knows nothing of it. */
const knowsTheStore = (file: string, lua: string): boolean => file.startsWith('include/') || /^-- KEYS .*\bstore\b|'before'/m.test(lua);

const batch = JSON.parse(readFileSync(process.env.MUTANTS!, 'utf8')) as (Mutant & { name: string })[];
for (const { name, file, lua } of batch) {
  const path = join(SCRIPTS, file);
  const original = readFileSync(path, 'utf8');
  describe(name, () => {
    let failed = false;
    beforeAll(() => writeFileSync(path, lua));
    beforeEach(({ skip }) => {
      if (failed) skip();
      onTestFailed(() => void (failed = true));
    });
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
    runLogContract('redis', open, { changedStore: knowsTheStore(file, original) });
  });
}
