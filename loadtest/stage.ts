import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, startTcpProxy, type Cluster, type TcpProxy } from '@runnel/e2e';
import { goTool } from '../scripts/go-tools.mjs';
import { startNginx, type NginxMode } from './nginx.ts';

/** k6's exit code when a threshold was crossed. */
export const CROSSED = 99;

export interface Load {
  /** A file of this folder without its ending. */
  script: string;
  profile: string;
  /** Where k6 writes its figures as JSON. */
  summary?: string;
  /** k6's `--out`, such as `experimental-prometheus-rw`. */
  out?: string;
  /** k6 is killed then: a socket that never answers can keep it from ending. */
  deadlineMs?: number;
}

/** Longer than every profile takes. */
const DEADLINE_MS = 6 * 60_000;

/**
 * Runs k6 against a Runnel at `url` (`ws://…`). Resolves to its exit code.
 *
 * @throws AbortError when it did not end in time
 */
export const runK6 = async (url: string, { script, profile, summary, out, deadlineMs = DEADLINE_MS }: Load): Promise<number> => {
  const options = [...(summary === undefined ? [] : ['--summary-export', summary]), ...(out === undefined ? [] : ['--out', out])];
  const child = spawn(goTool('k6'), ['run', '--quiet', ...options, join(import.meta.dirname, `${script}.ts`)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    signal: AbortSignal.timeout(deadlineMs),
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      RUNNEL_URL: url,
      K6_PROFILE: profile,
      K6_NO_USAGE_REPORT: 'true',
      K6_AUTO_EXTENSION_RESOLUTION: 'false',
    },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};

export interface Stage {
  mode: NginxMode;
  /** Added between nginx and each gateway, in each direction, ms. */
  delayMs?: number;
  /** Models may call the tools of a server that counts. */
  tools?: boolean;
}

/** Redis, two gateways and two AI pods behind a real nginx, all on loopback, for as long as `work` takes. */
export const onStage = async <T>(
  { mode, delayMs = 0, tools = false }: Stage,
  work: (url: string, cluster: Cluster) => Promise<T>,
): Promise<T> => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'runnel-loadtest-files-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const FILES_URL = `file:${folder}`;
  const gatewayEnv = { TRUST_PROXY: 'true', FILES_URL };
  const cluster = await startCluster({ gateways: 2, ai: 2, tools, gatewayEnv, aiEnv: { FILES_URL } });
  stack.defer(() => cluster.removeLogs());
  stack.defer(() => cluster.close());
  const ports: number[] = [];
  for (const { spec } of cluster.gateways) {
    const proxy = delayMs > 0 ? await slowWire(spec.port, delayMs) : undefined;
    if (proxy) stack.defer(() => proxy.close());
    ports.push(proxy?.port ?? spec.port);
  }
  const nginx = await startNginx(mode, ports);
  stack.defer(() => nginx.close());
  // Awaited here: the stage stands until the work is done.
  return await work(`ws://127.0.0.1:${nginx.port}`, cluster);
};

/** Replaces every pod, one after the other, for as long as `work` takes, once at least. */
export const whileRolling = async <T>({ ai, gateways }: Cluster, work: Promise<T>): Promise<T> => {
  let done = false;
  const ended = work.finally(() => (done = true));
  do {
    for (const pod of [...ai, ...gateways]) {
      const code = await pod.terminate();
      if (code !== 0) throw new Error(`${pod.name} ended with ${code}`);
      await pod.start();
      if (done) break;
    }
  } while (!done);
  return ended;
};

const slowWire = async (port: number, delayMs: number): Promise<TcpProxy> => {
  const proxy = await startTcpProxy(port);
  proxy.latencyMs = delayMs;
  return proxy;
};
