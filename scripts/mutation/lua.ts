// `npm run mutation:lua`: changes one line of one script at a time and runs the contract suite against it. A mutant that no test notices is a
// check without a proof, unless `lua-survivors.ts` says why it may live. Takes some twenty minutes; for the night.
//   npm run mutation:lua -- --only begin-run,keep
import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runNode } from '../lib/command.ts';
import { mutantsOf, type Mutant } from './lua-mutants.ts';
import { REASONS } from './lua-survivors.ts';

const SCRIPTS = 'packages/coordination/src/lua';
/** The contract first: it kills nearly all. */
const SUITES = [
  ['packages/coordination/src/run-log.redis.test.ts'],
  ['equivalence.redis.test.ts', 'eviction.redis.test.ts', 'outbox', 'lua.test.ts'].map((name) => `packages/coordination/src/${name}`),
];

/** A copy of the sources to spoil, with the dependencies of this checkout. */
const copySources = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-mutation-'));
  for (const part of ['packages', 'package.json', 'vitest.config.ts', 'tsconfig.json']) {
    await cp(join(root, part), join(folder, part), { recursive: true, filter: (path) => !path.endsWith('node_modules') });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
};

const isKilled = async (folder: string): Promise<boolean> => {
  for (const files of SUITES) {
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'redis', '--project', 'unit', '--bail', '1', ...files];
    if ((await runNode(args, { cwd: folder })).code !== 0) return true;
  }
  return false;
};

const nameOf = ({ file, original, change }: Mutant): string => `${file}: ${original}: ${change}`;

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const wanted = values.only?.split(',') ?? [''];
  const folder = await copySources();
  try {
    if (await isKilled(folder)) throw new Error('the suites fail without any mutant');
    const files = (await readdir(join(root, SCRIPTS), { recursive: true })).filter((file) => file.endsWith('.lua'));
    let killed = 0;
    const alive: Mutant[] = [];
    for (const file of files.toSorted().filter((name) => wanted.some((part) => name.includes(part)))) {
      const lua = await readFile(join(root, SCRIPTS, file), 'utf8');
      for (const mutant of mutantsOf(file, lua)) {
        await writeFile(join(folder, SCRIPTS, file), mutant.lua);
        if (await isKilled(folder)) killed++;
        else {
          alive.push(mutant);
          console.log(
            `alive  ${file}:${mutant.line}  ${mutant.change}: ${mutant.original}${REASONS[nameOf(mutant)] ? '  (has a reason)' : ''}`,
          );
        }
      }
      await writeFile(join(folder, SCRIPTS, file), lua);
    }
    const unexplained = alive.filter((mutant) => REASONS[nameOf(mutant)] === undefined);
    console.log(`${killed} killed, ${alive.length} alive, ${unexplained.length} of them without a reason`);
    return unexplained.length === 0 ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

process.exitCode = await main();
