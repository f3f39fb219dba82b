import { elapse, startCluster } from '@runnel/e2e';
import type { Quantiles } from './histogram.ts';
import type { Window } from './profile.ts';
import { Load } from './load.ts';
import { measureCpu } from './machine.ts';

export interface StreamingOptions {
  conversations: number;
  /** Chunks a second in each. */
  rate: number;
  seconds: number;
  ai: number;
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

/** N conversations of R chunks a second through one gateway: what each chunk waits and what it costs. */
export const measureStreaming = async (options: StreamingOptions): Promise<StreamingFigures> => {
  const { conversations, rate, seconds, ai, profileDir, profiled = 'gateway' } = options;
  const profile = profileDir ? [`--cpu-prof`, `--cpu-prof-dir=${profileDir}`] : [];
  const cluster = await startCluster({
    gateways: 1,
    ai,
    aiEnv: { MAX_RUNS: String(conversations + 1_000) },
    ...(profiled === 'gateway' ? { gatewayNodeArgs: profile } : { aiNodeArgs: profile }),
  });
  const load = new Load();
  try {
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
      noiseCores: Number(cpu.noiseCores.toFixed(2)),
      gaps: report.gaps,
      closed: report.closed,
      errors: report.errors,
      window: { fromMs, toMs },
    };
  } finally {
    await load.close();
    await cluster.close();
    await cluster.removeLogs();
  }
};
