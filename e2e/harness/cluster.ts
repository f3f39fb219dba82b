import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '@runnel/coordination/testing';
import { Pod } from './pod.ts';
import { freePort } from './ports.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export type Redis = Awaited<ReturnType<typeof startRedis>>;

export interface ClusterOptions {
  gateways?: number;
  /** AI pods the gateways know of. */
  ai?: number;
  /** How many of them are started (default all). */
  aiStarted?: number;
  /** Puts a proxy between each kind of service and Redis. */
  proxied?: boolean;
  gatewayEnv?: Record<string, string>;
  aiEnv?: Record<string, string>;
  gatewayNodeArgs?: readonly string[];
  aiNodeArgs?: readonly string[];
  redisArgs?: string[];
}

/** Redis, gateways and AI pods as real processes on loopback. */
export interface Cluster {
  redis: Redis;
  gateways: Pod[];
  ai: Pod[];
  /** The wires to Redis; null unless `proxied`. */
  wires: { gateway: TcpProxy; ai: TcpProxy } | null;
  logDir: string;
  /** Pods that are up now. */
  liveGateways(): Pod[];
  close(): Promise<void>;
  removeLogs(): Promise<void>;
}

export const startCluster = async (options: ClusterOptions = {}): Promise<Cluster> => {
  const { gateways = 2, ai = 2, aiStarted = ai, proxied = false } = options;
  const logDir = await mkdtemp(join(tmpdir(), 'runnel-e2e-'));
  const redis = await startRedis({ args: options.redisArgs ?? [] });
  const wires = proxied ? { gateway: await startTcpProxy(redis.port), ai: await startTcpProxy(redis.port) } : null;
  const redisUrl = (kind: 'gateway' | 'ai'): string => (wires ? `redis://127.0.0.1:${wires[kind].port}` : redis.url);

  const createPod = async (service: 'gateway' | 'ai', index: number, env: Record<string, string>): Promise<Pod> =>
    new Pod({
      name: `${service}-${index}`,
      service,
      port: await freePort(),
      internalPort: await freePort(),
      env: { REDIS_URL: redisUrl(service), LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info', ...env },
      logDir,
      nodeArgs: (service === 'gateway' ? options.gatewayNodeArgs : options.aiNodeArgs) ?? [],
    });
  const aiPods: Pod[] = [];
  for (let i = 0; i < ai; i++) aiPods.push(await createPod('ai', i, options.aiEnv ?? {}));
  const gatewayPods: Pod[] = [];
  const gatewayEnv = {
    AI_SERVICE_URLS: aiPods.map((pod) => pod.url).join(','),
    AUTH_MODE: 'dev',
    RATE_LIMIT_PER_MINUTE: '1000000',
    ...options.gatewayEnv,
  };
  for (let i = 0; i < gateways; i++) gatewayPods.push(await createPod('gateway', i, gatewayEnv));

  const close = async (): Promise<void> => {
    const pods = [...gatewayPods, ...aiPods];
    pods.forEach((pod) => pod.resume());
    await Promise.all(pods.map((pod) => pod.kill()));
    await wires?.gateway.close();
    await wires?.ai.close();
    await redis.stop();
  };
  try {
    await Promise.all([...aiPods.slice(0, aiStarted), ...gatewayPods].map((pod) => pod.start()));
  } catch (error) {
    await close();
    throw new Error(`the cluster did not start; logs in ${logDir}`, { cause: error });
  }
  return {
    redis,
    gateways: gatewayPods,
    ai: aiPods,
    wires,
    logDir,
    liveGateways: () => gatewayPods.filter((pod) => pod.alive),
    close,
    removeLogs: () => rm(logDir, { recursive: true, force: true }),
  };
};
