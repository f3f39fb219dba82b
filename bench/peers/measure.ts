import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { elapse } from '@runnel/e2e';
import { Child } from '../child.ts';
import { measureCpu, privateBytes } from '../machine.ts';
import type { ProducerReport, ProducerRequest } from './producer-process.ts';
import type { Standing, System } from './systems.ts';
import type { ViewersJob, ViewersReport, ViewersRequest } from './viewers-process.ts';

export interface Plan {
  conversations: number;
  /** Chunks a second, all conversations together. */
  rate: number;
  seconds: number;
  idle: number;
  parts: ReadonlySet<Part>;
}
export type Part = 'cost' | 'storm' | 'idle' | 'ceiling';

export interface Cost {
  /** Frames delivered a second. */
  perSecond: number;
  /** CPU microseconds: of the server for each delivered frame; of the others for each chunk that was made. */
  server: number;
  redis: number;
  producing: number;
  p50: number;
  p99: number;
  noiseCores: number;
}
export interface Ceiling {
  /** Most frames a second that were delivered with p99 below 50 ms. */
  perSecond: number;
  /** What stopped the climb: the server's own core, or the other one with everything else. */
  bound: 'server' | 'rest';
  /** p99 at half of it, ms. */
  halfP99: number;
}
export interface Storm {
  lost: number;
  repeated: number;
  /** Until every viewer stood again; `missing` of them had not within 20 s. */
  ms: number;
  missing: number;
}
export interface Round {
  cost?: Cost;
  storm?: Storm;
  ceiling?: Ceiling;
  idleKib?: number;
  lost: number;
  repeated: number;
  errors: string[];
}

/** The server has this core for itself. */
const SERVER_CORE = 0;
const RAMP_MS = 2_000;
const WARM_MS = 2_000;
/** Idle viewers follow conversations of their own, which nobody writes. */
const IDLE_FIRST = 100_000;
const WARM_IDLE = 200;
const STORM_PART = 0.5;
const STORM_SETTLE_MS = 1_000;
const STORM_PATIENCE_MS = 20_000;
const LIMIT_P99_MS = 50;
const STEP = 1.3;
const STEPS = 9;
const STEP_MS = 2_500;
const STEP_WARM_MS = 800;
/** Delivered at least this part of what was asked for: else it is a ceiling as well. */
const KEPT_UP = 0.97;
const CEILING_VIEWERS = 3;

const pin = (pid: number, core: number): void => void execFileSync('taskset', ['-acp', `${core}`, `${pid}`], { stdio: 'ignore' });
const otherCores = (): number => cpus().length - 1;

type Viewers = Child<ViewersRequest, ViewersReport>;
type Producer = Child<ProducerRequest, ProducerReport>;

const processFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const openViewers = async (job: ViewersJob): Promise<Viewers> => {
  const viewers: Viewers = new Child(processFile('viewers-process.ts'));
  pin(viewers.pid, otherCores());
  await viewers.ask({ kind: 'open', job });
  return viewers;
};

/** One system, standing, with its generator. */
interface Stage {
  system: System;
  standing: Standing;
  producer: Producer;
  job: ViewersJob;
}

const pace = ({ producer }: Stage, perSecond: number): Promise<ProducerReport> => producer.ask({ kind: 'pace', perSecond });

const measureIdle = async ({ standing, job }: Stage, sockets: number): Promise<number> => {
  const idle = { ...job, first: IDLE_FIRST, each: 1, prompt: null };
  const warm = await openViewers({ ...idle, conversations: WARM_IDLE });
  await elapse(WARM_MS);
  const before = privateBytes(standing.server.pid);
  const viewers = await openViewers({ ...idle, first: IDLE_FIRST + WARM_IDLE, conversations: sockets });
  await elapse(WARM_MS);
  const grown = privateBytes(standing.server.pid) - before;
  await viewers.close();
  await warm.close();
  await elapse(WARM_MS);
  return Number((grown / 1024 / sockets).toFixed(1));
};

const measureCost = async ({ standing, producer, system }: Stage, viewers: Viewers, seconds: number): Promise<Cost> => {
  const { server, redisPid, producing } = standing;
  const others = Object.fromEntries(producing.map((pid, i) => [`producing ${i}`, pid]));
  const generator = system.publisher === null ? {} : { generator: producer.pid };
  const stop = measureCpu({ server: server.pid, redis: redisPid, viewers: viewers.pid, ...others, ...generator });
  await viewers.ask({ kind: 'mark' });
  const before = await producer.ask({ kind: 'report' });
  await elapse(seconds * 1_000);
  const { used, seconds: took, noiseCores } = stop();
  const { frames, latency } = await viewers.ask({ kind: 'report' });
  const { sent } = await producer.ask({ kind: 'report' });
  const made = system.publisher === null ? frames : sent - before.sent;
  const producingCpu = Object.entries(used).reduce((sum, [name, cpu]) => sum + (/^(producing|generator)/.test(name) ? cpu : 0), 0);
  const per = (cpu: number, of: number): number => Number(((cpu / of) * 1e6).toFixed(1));
  return {
    perSecond: Math.round(frames / took),
    server: per(used['server']!, frames),
    redis: per(used['redis']!, made),
    producing: per(producingCpu, made),
    p50: latency.p50 ?? 0,
    p99: latency.p99 ?? Infinity,
    noiseCores: Number(noiseCores.toFixed(2)),
  };
};

const measureStorm = async (viewers: Viewers): Promise<Storm> => {
  const before = await viewers.ask({ kind: 'report' });
  await viewers.ask({ kind: 'storm', patienceMs: STORM_PATIENCE_MS });
  await elapse(STORM_SETTLE_MS);
  const { lost, repeated, stormMs, standing } = await viewers.ask({ kind: 'report' });
  const missing = before.standing - standing;
  return { lost: lost - before.lost, repeated: repeated - before.repeated, ms: stormMs, missing };
};

/** Climbs until chunks are late or missing; the answer is the last step that held. */
const measureCeiling = async (stage: Stage, rate: number): Promise<Ceiling> => {
  const viewers = await openViewers({ ...stage.job, each: CEILING_VIEWERS });
  const step = async (perSecond: number): Promise<{ held: boolean; delivered: number; p99: number; serverCores: number }> => {
    await pace(stage, perSecond);
    await elapse(STEP_WARM_MS);
    await viewers.ask({ kind: 'mark' });
    const stop = measureCpu({ server: stage.standing.server.pid });
    await elapse(STEP_MS);
    const { seconds, used } = stop();
    const { frames, latency } = await viewers.ask({ kind: 'report' });
    const [delivered, p99] = [frames / seconds, latency.p99 ?? Infinity];
    const held = p99 < LIMIT_P99_MS && delivered > KEPT_UP * perSecond * CEILING_VIEWERS;
    return { held, delivered: Math.round(delivered), p99, serverCores: used['server']! / seconds };
  };
  let best = 0;
  let bound: Ceiling['bound'] = 'rest';
  let perSecond = rate / 2;
  for (let tried = 0; tried < STEPS; tried++, perSecond *= STEP) {
    const { held, delivered, serverCores } = await step(perSecond);
    bound = serverCores > 0.9 ? 'server' : 'rest';
    if (!held) break;
    best = delivered;
  }
  const { p99: halfP99 } = await step(best / 2 / CEILING_VIEWERS);
  await viewers.close();
  return { perSecond: best, bound, halfP99 };
};

/** One round with one system: everything the plan wants, on a server of its own. */
export const measureSystem = async (system: System, plan: Plan): Promise<Round> => {
  await using stack = new AsyncDisposableStack();
  const standing = await system.start();
  stack.defer(() => standing.stop());
  const producer: Producer = new Child(processFile('producer-process.ts'));
  stack.defer(() => producer.close());
  pin(standing.server.pid, SERVER_CORE);
  for (const pid of [standing.redisPid, producer.pid, ...standing.producing]) pin(pid, otherCores());
  const { conversations, rate, seconds, idle, parts } = plan;
  const perConversation = rate / conversations;
  const words = Math.ceil(perConversation * (seconds + 30));
  const prompt = system.publisher === null ? `count ${words} at ${perConversation}` : null;
  const job: ViewersJob = {
    dialect: system.dialect,
    port: standing.server.port,
    first: 0,
    conversations,
    each: 1,
    rampMs: RAMP_MS,
    prompt,
  };
  const stage: Stage = { system, standing, producer, job };
  const round: Round = { lost: 0, repeated: 0, errors: [] };

  if (parts.has('idle')) round.idleKib = await measureIdle(stage, idle);
  if (system.publisher !== null) {
    const { redisPort, apiPort } = standing;
    await producer.ask({ kind: 'open', target: { kind: system.publisher, redisPort, conversations, ...(apiPort && { apiPort }) } });
  }
  if (parts.has('cost') || parts.has('storm')) {
    const viewers = await openViewers(job);
    stack.defer(() => viewers.close());
    await pace(stage, rate);
    await elapse(WARM_MS);
    if (parts.has('cost')) round.cost = await measureCost(stage, viewers, seconds);
    Object.assign(round, await verdictOf(viewers));
    if (parts.has('storm') && system.dialect !== 'floor') {
      await pace(stage, rate * STORM_PART);
      await elapse(WARM_MS);
      round.storm = await measureStorm(viewers);
    }
    const { errors } = await viewers.ask({ kind: 'report' });
    round.errors = errors;
    await viewers.close();
  }
  if (parts.has('ceiling') && system.publisher !== null) round.ceiling = await measureCeiling(stage, rate);
  const { failures } = await producer.ask({ kind: 'report' });
  if (failures > 0) round.errors.push(`${failures} publications failed`);
  return round;
};

const verdictOf = async (viewers: Viewers): Promise<Pick<Round, 'lost' | 'repeated'>> => {
  const { lost, repeated } = await viewers.ask({ kind: 'report' });
  return { lost, repeated };
};
