// `npm run mutation:lua`: changes one line of one script at a time and runs the contract and the quick suites against it, one vitest for
// a batch of mutants; those that live meet the slow suites, one vitest each. A mutant that no test notices is a check without a proof, unless `lua-survivors.ts`
// says why it may live.
//   npm run mutation:lua -- --only begin-run,keep --workers 1
// `--quick` leaves the slowest suites out, so that some may seem to live that do not; `--again run.log` tries those alone that the output of
// an earlier run calls alive. On a busy machine: `--coverage file` keeps which tests run which scripts for the next time, and `--tests 'parts|
// receipts'` runs only tests of such names, none of the slow suites.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runNode } from '../lib/command.ts';
import type { Batch, Verdict } from './lua-batch.ts';
import { testsNamed, type Coverage } from './lua-coverage.ts';
import { mutantsOf, nameOf, SCRIPTS, type Mutant } from './lua-mutants.ts';
import { REASONS } from './lua-survivors.ts';
import { judge } from './judge.ts';

const NOTHING = 'nothing';
const COVERAGE = 'coverage.json';
const VITEST = 'node_modules/vitest/vitest.mjs';
const ofCoordination = (name: string): string => `packages/coordination/test/${name}.redis.test.ts`;
/** What the contract overlooks: what lies in Redis, and for how long. */
const QUICK = [
  ...['lifetimes', 'restoring', 'rehydrating', 'outbox', 'shares', 'own-slots'],
  ...['grants', 'parking', 'forking', 'beginning', 'ending', 'erasing'],
].map(ofCoordination);
/** What an eviction took, and whatever nobody thought of. */
const SLOW = [
  ...['equivalence', 'eviction'].map(ofCoordination),
  ...['evicted-keys', 'evicted-again'].map((name) => `services/gateway/test/${name}.redis.test.ts`),
];

/** A copy of the sources to spoil, with the dependencies of this checkout. */
const copySources = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-mutation-'));
  for (const part of ['packages', 'services', 'scripts', 'package.json', 'vitest.config.ts', 'tsconfig.json']) {
    await cp(join(root, part), join(folder, part), { recursive: true, filter: (path) => !path.endsWith('node_modules') });
  }
  await mkdir(join(folder, 'node_modules'));
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '@runnel') await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  // A service is to meet the spoilt package, not the one of this checkout.
  await mkdir(join(folder, 'node_modules', '@runnel'));
  for (const part of ['packages', 'services']) {
    for (const name of await readdir(join(folder, part)))
      await symlink(join(folder, part, name), join(folder, 'node_modules', '@runnel', name));
  }
  return folder;
};

/** The contract and the quick suites against each of them: those that they did not notice. */
const aliveAfterContract = async (folder: string, mutants: readonly Mutant[], coverage: Coverage | null): Promise<Mutant[]> => {
  const [file, verdicts] = [join(folder, 'batch.json'), join(folder, 'verdicts.jsonl')];
  const batch: Batch = { mutants: mutants.map((mutant) => ({ ...mutant, name: nameOf(mutant) })), suites: QUICK, coverage };
  await writeFile(verdicts, '');
  await writeFile(file, JSON.stringify(batch));
  const args = [VITEST, 'run', '--config', 'scripts/mutation/lua.config.ts', '--reporter', 'json', '--outputFile', 'report.json'];
  const env = { BATCH: file, VERDICTS: verdicts, COVERAGE: join(folder, COVERAGE) };
  const { output } = await runNode(args, { cwd: folder, env });
  const lines = (await readFile(verdicts, 'utf8')).trim().split('\n').filter(Boolean);
  if (lines.length !== mutants.length) throw new Error(`${lines.length} verdicts about ${mutants.length} mutants: ${output.slice(-2_000)}`);
  const found = lines.map((line) => JSON.parse(line) as Verdict);
  for (const { name, killer, error } of found) if (killer !== null) console.log(`killed  ${name}  by: ${killer}: ${error}`);
  return mutants.filter((_, index) => found[index]!.killer === null);
};

const isKilledByOthers = async (folder: string, mutant: Mutant, files: readonly string[]): Promise<boolean> => {
  const { file, lua } = mutant;
  const path = join(folder, SCRIPTS, file);
  await writeFile(path, lua);
  const { code, output } = await runNode([VITEST, 'run', '--project', 'redis', '--bail', '1', ...files], { cwd: folder });
  const said = code === 0 ? '' : (/FAIL .*/.exec(output)?.[0] ?? output.slice(-500));
  await cp(join(root, SCRIPTS, file), path);
  if (said !== '') console.log(`killed  ${nameOf(mutant)}  by: ${said}`);
  return said !== '';
};

const lives = ({ file, line, change, original }: Mutant): string => `alive  ${file}:${line}  ${change}: ${original}`;

/** One worker's share, a few mutants at a time: what lives is said as soon as it is known. */
const BATCH = 24;
const work = async (mutants: readonly Mutant[], coverage: Coverage, slow: readonly string[]): Promise<Mutant[]> => {
  const folder = await copySources();
  const alive: Mutant[] = [];
  try {
    for (let from = 0; from < mutants.length; from += BATCH) {
      for (const mutant of await aliveAfterContract(folder, mutants.slice(from, from + BATCH), coverage)) {
        if (slow.length > 0 && (await isKilledByOthers(folder, mutant, slow))) continue;
        alive.push(mutant);
        console.log(lives(mutant));
      }
    }
    return alive;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** So many tests may be late on a busy machine; more, and the suites are broken. */
const MOST_UNFIT = 5;
/** What an earlier run kept of it, or else what is kept for a later one. */
const keptCoverage = async (file: string | undefined, mutant: Mutant): Promise<Coverage> => {
  if (file !== undefined && existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as Coverage;
  const coverage = await coverageOf(mutant);
  if (file !== undefined) await writeFile(file, JSON.stringify(coverage));
  return coverage;
};

/** What each test runs, from a run in which nothing is changed. A test that fails by itself would kill every mutant: it is left out. */
const coverageOf = async (mutant: Mutant): Promise<Coverage> => {
  const folder = await copySources();
  try {
    const lua = await readFile(join(root, SCRIPTS, mutant.file), 'utf8');
    await aliveAfterContract(folder, [{ ...mutant, change: NOTHING, lua }], null);
    const coverage = JSON.parse(await readFile(join(folder, COVERAGE), 'utf8')) as Coverage;
    const unfit = Object.keys(coverage).filter((test) => coverage[test]!.length === 0);
    for (const test of unfit) console.log(`left out, it fails without any mutant: ${test}`);
    if (unfit.length > MOST_UNFIT) throw new Error(`${unfit.length} tests fail without any mutant`);
    return coverage;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * A suite that ran the scripts as they are would let everything live, as eleven did when their Redis began to be opened while they were read: each has to
 * notice that a script it runs only fails.
 * @throws Error with the names of those that do not
 */
const meetTheChange = async (coverage: Coverage, scripts: ReadonlyMap<string, string>): Promise<void> => {
  const folder = await copySources();
  try {
    for (const title of QUICK.map((suite) => basename(suite))) {
      const tests = Object.entries(coverage).filter(([test, ran]) => test.startsWith(`${title} > `) && ran.length > 0);
      const file = scripts.get(tests[0]?.[1][0] ?? '');
      if (file === undefined) throw new Error(`no test of ${title} runs a script`);
      const head = /^(?:--.*\n)*/.exec(await readFile(join(root, SCRIPTS, file), 'utf8'))![0];
      const mutant = { file, line: 0, change: 'fails', original: '', lua: `${head}return redis.error_reply('ERR changed')\n` };
      const alive = await aliveAfterContract(folder, [mutant], Object.fromEntries(tests));
      if (alive.length > 0) throw new Error(`${title} does not meet the changed scripts`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      again: { type: 'string' },
      workers: { type: 'string', default: '2' },
      quick: { type: 'boolean', default: false },
      coverage: { type: 'string' },
      tests: { type: 'string' },
    },
  });
  const wanted = values.only?.split(',') ?? [''];
  const files = (await readdir(join(root, SCRIPTS), { recursive: true })).filter((file) => file.endsWith('.lua')).toSorted();
  const all: Mutant[] = [];
  for (const file of files) all.push(...mutantsOf(file, await readFile(join(root, SCRIPTS, file), 'utf8')));
  const lived = values.again === undefined ? null : new Set((await readFile(values.again, 'utf8')).split('\n'));
  const chosen = all.filter((mutant) => wanted.some((part) => mutant.file.includes(part)) && (lived?.has(lives(mutant)) ?? true));
  const [first] = chosen;
  if (first === undefined) throw new Error('there is no such change');
  const whole = await keptCoverage(values.coverage, first);
  await meetTheChange(whole, new Map(files.map((file) => [basename(file, '.lua'), file])));
  const coverage = testsNamed(values.tests, whole);
  const slow = values.quick || values.tests !== undefined ? [] : SLOW;
  const workers = Number(values.workers);
  const shares = Array.from({ length: workers }, (_, worker) => chosen.filter((_mutant, index) => index % workers === worker));
  const alive = (await Promise.all(shares.map((share) => work(share, coverage, slow)))).flat();
  const known = new Set(all.map(nameOf));
  return judge({ tried: chosen.length, alive: alive.map(nameOf), reasons: REASONS, isStale: (name) => !known.has(name) });
};

process.exitCode = await main();
