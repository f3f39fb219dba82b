import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor, within } from '../wait.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What Node made of the sources: a third of what a start costs, and scenarios start hundreds. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'runnel-compile-cache');

/** Writes a cache: a process does so when it ends by itself, and those of scenarios are killed. They read all their files, and end at a wrong setting. */
export const fillCompileCache = async (
  mainOf: (service: string) => string = (service) => join(ROOT, 'services', service, 'src/main.ts'),
  cache = NODE_COMPILE_CACHE,
): Promise<void> => {
  for (const service of ['gateway', 'ai', 'audit']) {
    const child = spawn(process.execPath, [mainOf(service)], { stdio: 'ignore', env: { NODE_COMPILE_CACHE: cache, PORT: 'none' } });
    running.add(child);
    await once(child, 'close');
    running.delete(child);
  }
};

const running = new Set<ChildProcess>();
// The runner may die of an uncaught error: its children go with it.
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** For a runner: Ctrl-C and a CI's timeout end it with an exit, so that its children go too. */
export const exitOnSignals = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
};

/** How many pods this process has started and not yet seen the end of. */
export const podsLeft = (): number => running.size;

export interface PodSpec {
  name: string;
  /** Folder under `services/`. */
  service: string;
  port: number;
  internalPort: number;
  env: Record<string, string>;
  logDir: string;
  /** Another checkout than this one. */
  root?: string;
  /** What it runs instead of the service's sources, below `root`. */
  program?: string;
  /** For the profiler. */
  nodeArgs?: readonly string[];
}

/** One real service process on loopback. It keeps its ports and its name over restarts, as a pod of a StatefulSet would. */
export class Pod {
  readonly spec: PodSpec;
  #child: ChildProcess | null = null;
  /** When the process of now was launched (`performance.now()`). */
  launchedAt = 0;

  constructor(spec: PodSpec) {
    this.spec = spec;
  }
  get name(): string {
    return this.spec.name;
  }
  get url(): string {
    return `http://127.0.0.1:${this.spec.port}`;
  }
  get internalUrl(): string {
    return `http://127.0.0.1:${this.spec.internalPort}`;
  }
  get alive(): boolean {
    return this.#child !== null;
  }
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} is not running`);
    return pid;
  }

  /** Starts the process and waits until it says it is ready: on a machine that others use, minutes. */
  async start({ deadlineMs = 240_000 } = {}): Promise<void> {
    this.launch();
    await waitFor(() => this.alive === false || this.ready(), { deadlineMs, everyMs: 25, what: `${this.name} to be ready` });
    if (!this.alive) throw new Error(`${this.name} ended while starting`);
  }

  launch(): void {
    if (this.#child) throw new Error(`${this.name} runs already`);
    const { service, name, port, internalPort, env, logDir, root = ROOT, nodeArgs = [] } = this.spec;
    const { program = `services/${service}/src/main.ts` } = this.spec;
    const child = spawn(process.execPath, [...nodeArgs, join(root, program)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_COMPILE_CACHE,
        NODE_ID: name,
        HOST: '127.0.0.1',
        PORT: String(port),
        INTERNAL_PORT: String(internalPort),
        ...env,
      },
    });
    const log = createWriteStream(join(logDir, `${name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    running.add(child);
    this.#child = child;
    this.launchedAt = performance.now();
    child.once('close', (code, signal) => {
      running.delete(child);
      log.end(`{"event":"e2e.exit","code":${code},"signal":"${signal}"}\n`);
      if (this.#child === child) this.#child = null;
    });
  }

  async ready(): Promise<boolean> {
    const answer = await fetch(`${this.internalUrl}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    await answer?.body?.cancel();
    return answer?.status === 200;
  }

  /** Resident memory. */
  memoryBytes(): number {
    return Number(readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  }

  /** A metric summed over all its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.internalUrl}/metrics`, { signal: AbortSignal.timeout(2_000) })).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    if (lines.length === 0) throw new Error(`${this.name} has no metric ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
  /** Stops answering without closing anything: a paused VM, a long collection, a partition. */
  pause(): void {
    this.signal('SIGSTOP');
  }
  resume(): void {
    this.signal('SIGCONT');
  }
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 5_000);
  }
  /** As Kubernetes does it: asks, and waits for the drain. Answers the exit code (null when a signal ended it). */
  async terminate({ deadlineMs = 30_000 } = {}): Promise<number | null> {
    return this.#end('SIGTERM', deadlineMs);
  }

  async #end(signal: NodeJS.Signals, deadlineMs: number): Promise<number | null> {
    const child = this.#child;
    if (!child) return 0;
    const closed = once(child, 'close') as Promise<[number | null]>;
    child.kill(signal);
    const [code] = await within(closed, deadlineMs, `${this.name} to end after ${signal}`);
    return code;
  }
}
