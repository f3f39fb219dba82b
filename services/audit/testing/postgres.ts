import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '@runnel/kit';
import { freePort } from '@runnel/kit/testing';
import pg from 'pg';

export interface TestPostgres {
  url: string;
  /** A fresh database on the same server. */
  database(): Promise<string>;
  /** SIGKILL, and the same data again. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  /** Begins a transaction with a statement and leaves it open. Resolves to its end. */
  hold(url: string, statement: string): Promise<() => Promise<void>>;
  /** Stops it and every backend (SIGSTOP): connections stay, nothing answers. Linux only. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Leaves no byte free on its disk. Only with a disk of its own (`diskMiB`). */
  fillDisk(): Promise<void>;
  /** What an operator does then: makes room, and starts the server again if it ended. */
  freeDisk(): Promise<void>;
  stop(): Promise<void>;
}

export interface StartPostgres {
  /** A disk of its own (tmpfs, needs root), so that it can be full. */
  diskMiB?: number;
}

const DEBIAN = '/usr/lib/postgresql';
/** PostgreSQL refuses to run as root. Debian's `postgres` comes with the package. */
const UNPRIVILEGED = 'postgres';

/** The newest server Debian has installed, else what is on PATH. */
const program = (name: string): string => {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const version = versions.find((v) => existsSync(join(DEBIAN, v, 'bin', name)));
  return version === undefined ? name : join(DEBIAN, version, 'bin', name);
};

const idOf = async (flag: '-u' | '-g'): Promise<number> => Number((await promisify(execFile)('id', [flag, UNPRIVILEGED])).stdout);

const running = new Set<ChildProcess>();
const disks = new Set<string>();
/** Lazily: the server's children may still hold it. */
const unmount = (folder: string): void => {
  if (disks.delete(folder)) execFileSync('umount', ['--lazy', folder]);
};
process.on('exit', () => {
  for (const child of running) child.kill('SIGQUIT');
  for (const folder of disks) unmount(folder);
});

/** Writes until the disk says that it is full. */
const writeUntilFull = async (path: string): Promise<void> => {
  const file = await open(path, 'w');
  try {
    for (const block of [Buffer.alloc(1 << 20), Buffer.alloc(1 << 12)]) {
      try {
        for (;;) await file.writeFile(block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    await file.close();
  }
};

/** A PostgreSQL of its own, in a folder of its own, as an unprivileged user when the tests run as root. */
export const startPostgres = async ({ diskMiB }: StartPostgres = {}): Promise<TestPostgres> => {
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? { uid: await idOf('-u'), gid: await idOf('-g') } : {};
  const folder = await mkdtemp(join(tmpdir(), 'runnel-postgres-'));
  if (diskMiB !== undefined) {
    if (!isRoot) throw new Error('a PostgreSQL with a disk of its own needs Linux and root, to mount a tmpfs');
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m`, 'runnel-test', folder]);
    disks.add(folder);
  }
  if (isRoot) await chown(folder, as.uid!, as.gid!);
  const ballast = join(folder, 'ballast');
  const data = join(folder, 'data');
  const options = { ...as, cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } };
  await promisify(execFile)(program('initdb'), ['-D', data, '-U', 'runnel', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options);
  const port = await freePort();
  const urlOf = (database: string): string => `postgres://runnel@127.0.0.1:${port}/${database}`;
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_buffers: '64MB',
    max_connections: '60',
  };
  let child: ChildProcess;
  let databases = 0;

  const query = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: urlOf('postgres'), connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(sql);
    } finally {
      await client.end().catch(() => {});
    }
  };
  const launch = async (): Promise<void> => {
    const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    child = spawn(program('postgres'), ['-D', data, ...words], { ...options, stdio: 'ignore' });
    running.add(child);
    const started = child;
    started.on('exit', () => running.delete(started));
    await waitFor(() => query('SELECT 1').then(() => true), { deadlineMs: 30_000, everyMs: 100, what: 'PostgreSQL answers' });
  };
  const isUp = (): boolean => child.exitCode === null && child.signalCode === null;
  /** SIGQUIT is PostgreSQL's own crash: its children end with it, and the next start recovers from the log. */
  const kill = async (): Promise<void> => {
    if (!isUp()) return;
    const gone = once(child, 'exit');
    child.kill('SIGQUIT');
    await gone;
  };
  /** Backends are sessions of their own, so a signal to the group would reach one of them. The postmaster first: it starts no more. */
  const signal = async (name: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
    child.kill(name);
    const backends = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ').filter(Boolean);
    for (const backend of backends) {
      try {
        process.kill(Number(backend), name);
      } catch (error) {
        // It ended since the list was read.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };
  await launch();
  return {
    url: urlOf('postgres'),
    async database() {
      const name = `test_${++databases}`;
      await query(`CREATE DATABASE ${name}`);
      return urlOf(name);
    },
    async restart() {
      await kill();
      await launch();
    },
    kill,
    async hold(url, statement) {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      await client.query('BEGIN');
      await client.query(statement);
      return () => client.end();
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async fillDisk() {
      if (diskMiB === undefined) throw new Error('this PostgreSQL has no disk of its own');
      await writeUntilFull(ballast);
    },
    async freeDisk() {
      await rm(ballast);
      if (!isUp()) await launch();
    },
    async stop() {
      if (isUp()) await signal('SIGCONT').catch(() => undefined);
      await kill();
      unmount(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
