// `npm run mutation`: Stryker changes the pure TypeScript files one expression at a time and runs their unit tests. A mutant that no test
// notices is a rule without a proof, unless `typescript-survivors.ts` says why it may live. For the night.
//   npm run mutation -- --only merge.ts,position.ts --workers 1
// Stryker is no dependency of this repository: it is installed beside a copy of the sources, and goes with it.
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runCommand, runNode } from '../lib/command.ts';
import { summaryOf, type Report } from './stryker-report.ts';
import { REASONS } from './typescript-survivors.ts';
import { judge } from './judge.ts';

const VERSION = '10.1.1';
const FILES = [
  'packages/protocol/src/merge.ts',
  'packages/protocol/src/position.ts',
  'packages/protocol/src/run-state.ts',
  'services/gateway/src/sockets/session.ts',
  'services/gateway/src/follow/follower.ts',
  'services/gateway/src/follow/room-channel.ts',
  'services/audit/src/store/fold.ts',
  'services/audit/src/store/search-words.ts',
];

/** Stryker in the folder above the copy: the packages of the copy are those of this checkout, and nothing is written there. */
const install = async (folder: string): Promise<void> => {
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const packages = ['core', 'vitest-runner'].map((name) => `@stryker-mutator/${name}@${VERSION}`);
  // Without its peer: it has to be the vitest that the tests import.
  const flags = ['--prefix', folder, '--no-save', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'];
  const { code, output } = await runCommand('npm', ['install', ...flags, ...packages], { cwd: folder });
  if (code !== 0) throw new Error(`Stryker cannot be installed: ${output}`);
  await symlink(join(root, 'node_modules', 'vitest'), join(folder, 'node_modules', 'vitest'));
};

/** A copy of the sources to spoil, with the dependencies of this checkout. */
const copySources = async (project: string): Promise<void> => {
  for (const part of ['packages', 'services', 'scripts', 'clients/conformance', 'package.json', 'tsconfig.json']) {
    await cp(join(root, part), join(project, part), { recursive: true, filter: (path) => !path.endsWith('node_modules') });
  }
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'));
};

const spoil = async (folder: string, files: readonly string[], workers: number): Promise<Report> => {
  const project = join(folder, 'project');
  const config = {
    plugins: ['@stryker-mutator/vitest-runner'],
    testRunner: 'vitest',
    vitest: { configFile: 'scripts/mutation/unit.config.ts', related: true },
    mutate: files,
    // The copy is ours: a copy of the copy would lose the link to the dependencies.
    inPlace: true,
    coverageAnalysis: 'perTest',
    concurrency: workers,
    // On a busy machine a test that is late is no proof; one that hangs is.
    timeoutMS: 20_000,
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: 'mutation.json' },
  };
  await writeFile(join(project, 'stryker.json'), JSON.stringify(config));
  const stryker = join(folder, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  const { code } = await runNode([stryker, 'run', 'stryker.json'], { cwd: project, onLine: (line) => console.log(line) });
  if (code !== 0) throw new Error(`Stryker ended with ${code}`);
  return JSON.parse(await readFile(join(project, 'mutation.json'), 'utf8')) as Report;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { only: { type: 'string' }, workers: { type: 'string', default: '2' } } });
  const wanted = values.only?.split(',') ?? [''];
  const files = FILES.filter((file) => wanted.some((part) => file.includes(part)));
  const folder = await mkdtemp(join(tmpdir(), 'runnel-mutation-'));
  try {
    await mkdir(join(folder, 'project'));
    await copySources(join(folder, 'project'));
    await install(folder);
    const { killed, alive } = summaryOf(await spoil(folder, files, Number(values.workers)));
    for (const { name, line } of alive) console.log(`alive  line ${line}  ${name}`);
    const names = alive.map(({ name }) => name);
    // Stryker names what it made; a reason for what it made and a test killed now is as old as one for what it no longer makes.
    const isStale = (name: string): boolean => files.some((file) => name.startsWith(`${file}: `)) && !names.includes(name);
    return judge({ tried: killed + alive.length, alive: names, reasons: REASONS, isStale });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

process.exitCode = await main();
