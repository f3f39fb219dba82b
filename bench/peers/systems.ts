import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@runnel/kit/testing';
import { startCluster, waitFor } from '@runnel/e2e';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import type { DialectName } from './dialects.ts';
import { startOtlpSink } from './otlp-sink.ts';
import type { PublisherTarget } from './publishers.ts';

/** A system under measurement, standing. */
export interface Standing {
  /** The process that is measured, alone on its core. */
  server: { pid: number; port: number };
  redisPid: number;
  /** Processes on the producing side, besides the generator. */
  producing: number[];
  redisPort: number;
  apiPort?: number;
  stop(): Promise<void>;
}

export interface System {
  name: string;
  dialect: DialectName;
  /** How chunks get in; null: by its own AI service, asked by the viewers. */
  publisher: PublisherTarget['kind'] | null;
  start(): Promise<Standing>;
}

const READY_MS = 15_000;

const isListening = async (port: number): Promise<boolean> => {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

const started = (child: ChildProcess): (() => Promise<void>) => {
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  return async () => {
    process.off('exit', end);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    end();
    await gone;
  };
};

/** Redis, and one program that is told its own port and that of Redis. */
const startProgram = async (command: string, argsOf: (port: number, redis: TestRedis) => string[]): Promise<Standing> => {
  const redis = await startRedis();
  const port = await freePort();
  const child = spawn(command, argsOf(port, redis), { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, GOMAXPROCS: '1' } });
  const end = started(child);
  await waitFor(() => isListening(port), { deadlineMs: READY_MS, what: `${command} to listen` });
  return {
    server: { pid: child.pid!, port },
    redisPid: redis.pid,
    producing: [],
    redisPort: redis.port,
    apiPort: port,
    stop: async () => {
      await end();
      await redis.stop();
    },
  };
};

const startRunnel = async ({ ai, traced }: { ai: number; traced: boolean }): Promise<Standing> => {
  const sink = traced ? await startOtlpSink() : null;
  const env: Record<string, string> = sink ? { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url } : {};
  const gatewayEnv = { MAX_SOCKETS_PER_IP: '100000', ...env };
  const cluster = await startCluster({ gateways: 1, ai, gatewayEnv, aiEnv: { MAX_RUNS: '20000', ...env } });
  const gateway = cluster.gateways[0]!;
  return {
    server: { pid: gateway.pid, port: gateway.spec.port },
    redisPid: cluster.redis.pid,
    producing: cluster.ai.map(({ pid }) => pid),
    redisPort: cluster.redis.port,
    stop: async () => {
      await cluster.close();
      await cluster.removeLogs();
      await sink?.close();
    },
  };
};

const script = (name: string): string => join(import.meta.dirname, 'servers', name);
const node =
  (name: string): (() => Promise<Standing>) =>
  () =>
    startProgram(process.execPath, (port, redis) => [script(name), `${port}`, `${redis.port}`]);

/** The C compiler, where there is one. */
const compileFloor = (): string | null => {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runnel', 'bin');
  const binary = join(folder, 'peers-floor');
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('cc', ['-O2', '-o', binary, script('floor.c')], { stdio: 'inherit' });
  } catch {
    return null;
  }
  return binary;
};

/** As its documentation says for Redis with history and recovery; nothing is authenticated, in its favour. */
const centrifugoConfig = (port: number, redis: TestRedis): string[] => {
  const config = join(tmpdir(), `centrifugo-${port}.json`);
  const chat = { name: 'chat', history_size: 4096, history_ttl: '86400s', force_recovery: true };
  const settings = {
    http_server: { address: '127.0.0.1', port: `${port}` },
    log: { level: 'error' },
    client: { insecure: true, allowed_origins: ['*'] },
    http_api: { insecure: true },
    engine: { type: 'redis', redis: { address: `redis://127.0.0.1:${redis.port}` } },
    channel: { namespaces: [chat] },
  };
  writeFileSync(config, JSON.stringify(settings));
  return ['--config', config];
};

const startCentrifugo = (binary: string, deliverOnly: boolean) => async (): Promise<Standing> => {
  let redisOfServer: TestRedis | undefined;
  const standing = await startProgram(binary, (port, redis) => centrifugoConfig(port, (redisOfServer = redis)));
  if (!deliverOnly) return standing;
  const apiPort = await freePort();
  const child = spawn(binary, centrifugoConfig(apiPort, redisOfServer!), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, GOMAXPROCS: '1' },
  });
  const end = started(child);
  await waitFor(() => isListening(apiPort), { deadlineMs: READY_MS, what: 'the second Centrifugo to listen' });
  return {
    ...standing,
    producing: [child.pid!],
    apiPort,
    stop: async () => {
      await end();
      await standing.stop();
    },
  };
};

/** All that can be measured here; Centrifugo where `CENTRIFUGO` names its binary, the C floor where there is a compiler. */
export const findSystems = (): System[] => {
  const centrifugo = process.env['CENTRIFUGO'];
  if (centrifugo !== undefined && !existsSync(centrifugo)) throw new Error(`CENTRIFUGO: there is no ${centrifugo}`);
  const floorBinary = compileFloor();
  const runnel = { dialect: 'runnel', publisher: null, start: () => startRunnel({ ai: 1, traced: false }) } as const;
  return [
    { ...runnel, name: 'Runnel, whole path' },
    { ...runnel, name: 'Runnel, whole path, traced', start: () => startRunnel({ ai: 1, traced: true }) },
    { ...runnel, name: 'Runnel, delivering only', publisher: 'append', start: () => startRunnel({ ai: 0, traced: false }) },
    ...(centrifugo === undefined
      ? []
      : ([
          { name: 'Centrifugo', dialect: 'centrifugo', publisher: 'centrifugo', start: startCentrifugo(centrifugo, false) },
          { name: 'Centrifugo, delivering only', dialect: 'centrifugo', publisher: 'centrifugo', start: startCentrifugo(centrifugo, true) },
        ] satisfies System[])),
    { name: 'Socket.IO', dialect: 'socket.io', publisher: 'socket.io', start: node('socket-io.ts') },
    { name: 'floor: ws forwarder', dialect: 'floor', publisher: 'floor', start: node('forwarder.ts') },
    ...(floorBinary === null
      ? []
      : ([
          {
            name: 'floor: C forwarder',
            dialect: 'floor',
            publisher: 'floor',
            start: () => startProgram(floorBinary, (port, redis) => [`${port}`, `${redis.port}`]),
          },
        ] satisfies System[])),
  ];
};
