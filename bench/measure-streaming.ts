import { elapse, startCluster } from '@runnel/e2e';
import type { Quantiles } from './histogram.ts';
import type { Window } from './profile.ts';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import { Load } from './load.ts';
import { measureCpu, privateBytes } from './machine.ts';
import type { UpstreamAnswer, UpstreamRequest } from './upstream.ts';

export interface StreamingOptions {
  conversations: number;
  /** Chunks a second in each. */
  rate: number;
  seconds: number;
  ai: number;
  /** Whose words: the AI pod's own `count`, or those of a provider over HTTP in a process of its own. */
  provider: 'count' | 'http';
  /** Where the gateway writes its CPU profile. */
  profileDir?: string;
  profiled?: 'gateway' | 'ai';
}
export interface StreamingFigures {
  chunksPerSecond: number;
  latency: Quantiles;
  firstChunk: Quantiles;
  /** CPU microseconds per delivered chunk, by process. */
  microseconds: Record<string, number>;
  /** Cores used, by process. */
  cores: Record<string, number>;
  /** What a run adds to the AI pods' memory, KiB: what they hold with all runs under way beside what they held before the first. */
  aiKibPerRun: number;
  noiseCores: number;
  gaps: number;
  closed: number;
  errors: string[];
  /** The measured part, in the life of the profiled process. */
  window: Window;
}

const RAMP_MS = 3_000;
const WARM_MS = 2_000;
/** Prompts a second while the others stream: their way to the first word is what a person waits. */
const PROBES_PER_SECOND = 10;

const UPSTREAM = fileURLToPath(new URL('upstream.ts', import.meta.url));
const modelsAt = (baseURL: string): string =>
  JSON.stringify([{ id: 'http', provider: 'openai-compatible', baseURL, canContinue: true, default: true }]);

/** N conversations of R chunks a second through one gateway: what each chunk waits and what it costs. */
export const measureStreaming = async (options: StreamingOptions): Promise<StreamingFigures> => {
  const { conversations, rate, seconds, ai, provider, profileDir, profiled = 'gateway' } = options;
  const upstream = provider === 'http' ? new Child<UpstreamRequest, UpstreamAnswer>(UPSTREAM) : null;
  const profile = profileDir ? [`--cpu-prof`, `--cpu-prof-dir=${profileDir}`] : [];
  const cluster = await startCluster({
    gateways: 1,
    ai,
    aiEnv: { MAX_RUNS: String(conversations + 1_000), ...(upstream && { MODELS: modelsAt((await upstream.ask({ kind: 'start' })).url) }) },
    ...(profiled === 'gateway' ? { gatewayNodeArgs: profile } : { aiNodeArgs: profile }),
  });
  const load = new Load();
  const aiBytes = (): number => cluster.ai.reduce((sum, pod) => sum + privateBytes(pod.pid), 0);
  try {
    const bytesBefore = aiBytes();
    const gateway = cluster.gateways[0]!;
    const words = Math.ceil(rate * (seconds + 20));
    await load.start({ ports: [gateway.spec.port], sockets: conversations, rampMs: RAMP_MS, prompt: `count ${words} at ${rate}` });
    await elapse(WARM_MS);
    const pids = {
      gateway: gateway.pid,
      redis: cluster.redis.pid,
      viewers: load.pid,
      ...Object.fromEntries(cluster.ai.map((pod) => [pod.name, pod.pid])),
    };
    const stop = measureCpu(pids);
    await load.mark();
    const pod = profiled === 'gateway' ? gateway : cluster.ai[0]!;
    const fromMs = performance.now() - pod.launchedAt;
    const probes = Math.round(seconds * PROBES_PER_SECOND);
    const probing = { ports: [gateway.spec.port], sockets: probes, rampMs: seconds * 1_000, prompt: 'count 10 at 10' };
    // The viewers may be closed before the last probe has connected.
    load.start(probing).catch(() => undefined);
    await elapse(seconds * 1_000);
    const toMs = performance.now() - pod.launchedAt;
    const cpu = stop();
    const aiKibPerRun = Math.round((aiBytes() - bytesBefore) / 1024 / conversations);
    const report = await load.report();
    // The profile is written on an orderly exit only, and with the viewers gone there is nothing to drain.
    await load.close();
    if (profileDir) await pod.terminate();
    const ai0 = cluster.ai.reduce((sum, pod) => sum + cpu.used[pod.name]!, 0);
    const used: Record<string, number> = {
      gateway: cpu.used['gateway']!,
      ai: ai0,
      redis: cpu.used['redis']!,
      viewers: cpu.used['viewers']!,
    };
    const per = (divisor: number, digits: number): Record<string, number> =>
      Object.fromEntries(Object.entries(used).map(([name, value]) => [name, Number((value / divisor).toFixed(digits))]));
    return {
      chunksPerSecond: Math.round(report.chunks / cpu.seconds),
      latency: report.latency,
      firstChunk: report.firstChunk,
      microseconds: per(report.chunks / 1e6, 1),
      cores: per(cpu.seconds, 2),
      aiKibPerRun,
      noiseCores: Number(cpu.noiseCores.toFixed(2)),
      gaps: report.gaps,
      closed: report.closed,
      errors: report.errors,
      window: { fromMs, toMs },
    };
  } finally {
    await load.close();
    await upstream?.close();
    await cluster.close();
    await cluster.removeLogs();
  }
};
