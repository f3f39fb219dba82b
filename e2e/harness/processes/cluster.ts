import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addDocumentedUser } from '@runnel/coordination/testing';
import { startPostgres, type TestPostgres } from '@runnel/audit/testing';
import { startKafka, type TestKafka } from '@runnel/events/testing';
import { startFakeModel, type FakeModel } from './fake-model.ts';
import { Pod } from './pod.ts';
import { freePort } from '@runnel/kit/testing';
import { startManyRedis, startOneRedis, type Redis } from './redis-target.ts';
import { startToolServer, toolsSetting, type ToolServer } from './tool-server.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface ClusterOptions {
  gateways?: number;
  /** AI pods the gateways know of. */
  ai?: number;
  /** How many of them are started (default all). */
  aiStarted?: number;
  /** Redis is a Redis Cluster of three masters (not together with `proxied`). */
  redisCluster?: boolean;
  /** The services are the Redis user of docs/operations.md (not together with `proxied`). */
  redisUser?: boolean;
  /** Puts proxies between the services and Redis. */
  proxied?: boolean;
  /** An audit service that reads the outbox itself, on SQLite; the gateways ask it for what Redis no longer has. */
  audit?: boolean;
  /** Whether it is started (default yes): a test may fill its database first. */
  auditStarted?: boolean;
  /** The audit's events go through a real Kafka, of so many brokers. */
  kafka?: boolean | number;
  /** The audit's database is a real PostgreSQL, with a disk of its own if that is to be full. */
  postgres?: boolean | { diskMiB: number };
  /** The AI pods' default model is a fake provider behind the OpenAI protocol (`fake-model.ts`), which cannot continue a text. */
  fakeModel?: boolean;
  /** The AI pods' models may call the tools of a server that counts (`tool-server.ts`); the default model counts, too. */
  tools?: boolean;
  gatewayEnv?: Record<string, string>;
  aiEnv?: Record<string, string>;
  auditEnv?: Record<string, string>;
  gatewayNodeArgs?: readonly string[];
  aiNodeArgs?: readonly string[];
  redisArgs?: string[];
  /** The services are what their images have, each in a folder of its name (`scripts/images/bundle.mjs`); tells where a program lies in it. */
  images?: { folder: string; programOf: (service: string) => string };
}

const WITHOUT_BUDGETS = {
  MAX_RUNS_PER_USER: '0',
  MAX_BYTES_PER_USER_DAY: '0',
  MAX_SOCKETS_PER_USER: '0',
  MAX_FOLLOWS_PER_USER: '0',
  MAX_READS_PER_USER: '0',
  MAX_REPLAYS_PER_USER: '0',
  MAX_COMMANDS_PER_MINUTE: '0',
  MAX_SEARCHES_PER_MINUTE: '0',
};

export interface Wires {
  gateways: TcpProxy;
  ai: TcpProxy[];
  all: TcpProxy[];
}

/** Redis, gateways and AI pods as real processes on loopback. */
export interface Cluster {
  redis: Redis;
  gateways: Pod[];
  ai: Pod[];
  audit: Pod | null;
  fakeModel: FakeModel | null;
  tools: ToolServer | null;
  kafka: TestKafka | null;
  postgres: TestPostgres | null;
  /** Of the audit. */
  databaseUrl: string | null;
  /** The wires to Redis: one for all gateways, one for each AI pod. Empty unless `proxied`. */
  wires: Wires;
  logDir: string;
  /** Pods that are up now. */
  liveGateways(): Pod[];
  close(): Promise<void>;
  removeLogs(): Promise<void>;
}

/** What the services show each other, and a scenario that asks one of them itself. */
export const INTERNAL_TOKEN = randomBytes(24).toString('hex');

/** Stands where no proxy is; nobody connects through it. */
const NO_WIRE: TcpProxy = {
  port: 0,
  target: 0,
  latencyMs: 0,
  refusing: false,
  blackHole: null,
  cut: () => 0,
  close: () => Promise.resolve(),
};

const startWires = async (redisPort: number, aiPods: number): Promise<Wires> => {
  const gateways = await startTcpProxy(redisPort);
  const ai: TcpProxy[] = [];
  for (let i = 0; i < aiPods; i++) ai.push(await startTcpProxy(redisPort));
  return { gateways, ai, all: [gateways, ...ai] };
};

const fakeModels = (fake: FakeModel): string =>
  JSON.stringify([
    { id: 'fake', provider: 'openai-compatible', baseURL: fake.url, default: true },
    { id: 'count', provider: 'count' },
  ]);

/** What Node made of the programs: it goes with them, since it knows a program by its path. */
export const compileCacheOf = (folder: string): string => join(folder, 'compile-cache');

export const startCluster = async (options: ClusterOptions = {}): Promise<Cluster> => {
  const { gateways = 2, ai = 2, aiStarted = ai, proxied = false } = options;
  const logDir = await mkdtemp(join(tmpdir(), 'runnel-e2e-'));
  const redis = options.redisCluster ? await startManyRedis() : await startOneRedis(options.redisArgs ?? []);
  const wires = proxied ? await startWires(redis.port, ai) : { gateways: NO_WIRE, ai: [], all: [] };
  const redisUrl = options.redisUser ? await addDocumentedUser(redis.nodes, redis.url) : redis.url;
  const [kafka, postgres] = await Promise.all([
    options.kafka ? startKafka({ nodes: Number(options.kafka) }) : null,
    options.postgres ? startPostgres(options.postgres === true ? {} : options.postgres) : null,
  ]);
  const databaseUrl = postgres?.url ?? (options.audit ? `sqlite:${join(logDir, 'audit.sqlite')}` : null);
  const tools = options.tools ? await startToolServer() : null;
  const fake = options.fakeModel ? await startFakeModel() : null;

  const createPod = async (service: string, name: string, env: Record<string, string>, wire?: TcpProxy): Promise<Pod> =>
    new Pod({
      name,
      service,
      port: await freePort(),
      internalPort: await freePort(),
      env: {
        INTERNAL_TOKEN,
        REDIS_URL: wire && proxied ? `redis://127.0.0.1:${wire.port}` : redisUrl,
        LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
        ...(options.images && { NODE_COMPILE_CACHE: compileCacheOf(options.images.folder) }),
        ...env,
      },
      logDir,
      ...(options.images && { root: join(options.images.folder, service), program: options.images.programOf(service) }),
      nodeArgs: (service === 'gateway' ? options.gatewayNodeArgs : service === 'ai' ? options.aiNodeArgs : undefined) ?? [],
    });
  const auditEnv = {
    DATABASE_URL: databaseUrl ?? '',
    ...(kafka && { KAFKA_BROKERS: kafka.brokers.join(',') }),
    ...options.auditEnv,
  };
  const audit = options.audit ? await createPod('audit', 'audit', auditEnv, proxied ? wires.gateways : undefined) : null;
  const aiEnv = {
    ...(audit && { AUDIT_URL: audit.url }),
    ...(tools && { TOOLS: toolsSetting(tools) }),
    ...(fake && { MODELS: fakeModels(fake) }),
    ...options.aiEnv,
  };
  const aiPods: Pod[] = [];
  for (let i = 0; i < ai; i++) aiPods.push(await createPod('ai', `ai-${i}`, aiEnv, wires.ai[i]));
  const gatewayEnv = {
    AI_SERVICE_URLS: aiPods.map((pod) => pod.url).join(','),
    AUTH_MODE: 'dev',
    RATE_LIMIT_PER_MINUTE: '1000000',
    // Scenarios play many people under one name.
    ...WITHOUT_BUDGETS,
    ...(audit && { AUDIT_URL: audit.url }),
    ...options.gatewayEnv,
  };
  const gatewayPods: Pod[] = [];
  for (let i = 0; i < gateways; i++) gatewayPods.push(await createPod('gateway', `gateway-${i}`, gatewayEnv, wires.gateways));

  const pods = [...gatewayPods, ...aiPods, ...(audit ? [audit] : [])];
  const close = async (): Promise<void> => {
    pods.forEach((pod) => pod.resume());
    await Promise.all(pods.map((pod) => pod.kill()));
    await Promise.all(wires.all.map((wire) => wire.close()));
    await Promise.all([fake?.close(), tools?.close()]);
    await Promise.all([kafka?.stop(), postgres?.stop()]);
    await redis.stop();
  };
  try {
    const started = new Set([...aiPods.slice(0, aiStarted), ...gatewayPods, ...(audit && options.auditStarted !== false ? [audit] : [])]);
    await Promise.all([...started].map((pod) => pod.start()));
  } catch (error) {
    await close();
    throw new Error(`the cluster did not start; logs in ${logDir}`, { cause: error });
  }
  return {
    redis,
    gateways: gatewayPods,
    ai: aiPods,
    audit,
    fakeModel: fake,
    tools,
    kafka,
    postgres,
    databaseUrl,
    wires,
    logDir,
    liveGateways: () => gatewayPods.filter((pod) => pod.alive),
    close,
    removeLogs: () => rm(logDir, { recursive: true, force: true }),
  };
};
