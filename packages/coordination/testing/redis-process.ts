import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@runnel/kit/testing';
import { Redis } from 'ioredis';
import { waitFor } from './wait.ts';

export interface TestRedis {
  url: string;
  port: number;
  /** Changes with `restartEmpty`. */
  readonly pid: number;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL: no goodbye to anybody. The folder stays for `restartEmpty`. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** The same port, without any data. */
  restartEmpty(): Promise<void>;
  /** Any command, by its words; the reply as ioredis gives it. */
  cli(...args: (string | number)[]): Promise<unknown>;
}

export interface StartRedis {
  port?: number;
  /** More options of redis-server, such as `['--cluster-enabled', 'yes']`. */
  args?: readonly string[];
  /** A configuration file, which comes before everything else (Sentinel needs one that it can write). */
  settings?: string;
}

/** Processes this one has started: ended with it, whatever happens to the test. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
// Vitest ends a worker whose tests were all left out (`-t`) without their hooks.
if (process.env['VITEST_POOL_ID'] !== undefined) process.once('SIGTERM', () => process.exit(143));

const launch = async (port: number, folder: string, { args = [], settings }: StartRedis): Promise<ChildProcess> => {
  const common = ['--port', `${port}`, '--dir', folder, '--bind', '127.0.0.1', '--loglevel', 'warning'];
  const data = settings ? [settings] : ['--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', [...data, ...common, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (output = `${output}${data}`.slice(-2_000)));
  child.on('error', (error) => (output += error.message));
  child.on('exit', () => running.delete(child));
  const probe = new Redis({ port, lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: null, disableClientInfo: true });
  probe.on('error', () => {});
  try {
    let answered = false;
    probe.ping().then(
      () => (answered = true),
      () => {},
    );
    await waitFor(() => answered || child.exitCode !== null, { deadlineMs: 10_000, what: 'redis-server answers' });
    if (!answered) throw new Error(`redis-server did not start: ${output}`);
  } finally {
    probe.disconnect();
  }
  return child;
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
};

/** A redis-server of its own, in a folder of its own, without persistence. */
export const startRedis = async (options: StartRedis = {}): Promise<TestRedis> => {
  const port = options.port ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'runnel-redis-'));
  let child = await launch(port, folder, options);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid!;
    },
    async stop() {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => end(child),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restartEmpty() {
      await end(child);
      child = await launch(port, folder, options);
    },
    async cli(...words) {
      const redis = new Redis({ port, retryStrategy: () => null, disableClientInfo: true });
      redis.on('error', () => {});
      try {
        const [command, ...rest] = words;
        return await redis.call(String(command), ...rest);
      } finally {
        redis.disconnect();
      }
    },
  };
};
