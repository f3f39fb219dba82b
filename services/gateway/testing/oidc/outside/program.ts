import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '@runnel/kit';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runnel');
/** What is fetched comes over the network, once. */
const FETCH_MS = 600_000;
/** A Java program on a busy machine. */
const START_MS = 900_000;

const run = promisify(execFile);

/** Runs a program to its end. Rejects with what it said last. */
export const call = async (file: string, args: readonly string[], options: { timeout?: number; cwd?: string } = {}): Promise<string> =>
  (await run(file, args, { timeout: FETCH_MS, maxBuffer: 64 * 1024 * 1024, ...options })).stdout;

/** A folder of the cache, made once by `make`. Two at once make one each, and the first to finish gives it its name. */
export const cached = async (name: string, make: (folder: string) => Promise<unknown>): Promise<string> => {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  const own = `${folder}.${process.pid}`;
  await mkdir(own, { recursive: true });
  try {
    await make(own);
    await rename(own, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return folder;
};

export interface Program {
  /** A folder of its own, which goes with it. */
  folder: string;
  close(): Promise<void>;
}

/** Starts a program that serves until it is told to stop, and waits until `isUp`. Where it does not come up, the error has its last words. */
export const startProgram = async (
  command: (folder: string) => Promise<{ file: string; args: string[]; env?: Record<string, string> }>,
  isUp: () => Promise<boolean>,
): Promise<Program> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-provider-'));
  const { file, args, env = {} } = await command(folder);
  const said = join(folder, 'said.log');
  const log = await open(said, 'w');
  // A group of its own: a start script and what it starts end together.
  const child = spawn(file, args, { cwd: folder, detached: true, stdio: ['ignore', log.fd, log.fd], env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.once('error', () => undefined);
  const close = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
    await log.close();
    await rm(folder, { recursive: true, force: true });
  };
  const tried = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error('it has ended');
    return isUp().catch(() => false);
  };
  try {
    await waitFor(tried, { deadlineMs: START_MS, everyMs: 500 });
  } catch (cause) {
    const last = readFileSync(said, 'utf8').slice(-2_000);
    await close();
    throw new Error(`${file} did not come up:\n${last}`, { cause });
  }
  return { folder, close };
};

/** Why a program cannot be had on this machine; undefined: it can, as far as one can tell. */
export const lacking = async (...programs: [name: string, ...args: string[]][]): Promise<string | undefined> => {
  for (const [name, ...args] of programs)
    if (
      !(await run(name, args).then(
        () => true,
        () => false,
      ))
    )
      return `${name} is not here`;
  return undefined;
};
