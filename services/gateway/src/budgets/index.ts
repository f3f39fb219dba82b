import type { ServerResponse } from 'node:http';
import { onClose, type Metrics } from '@runnel/kit';
import type { ShareKind, StoreBudgets } from '@runnel/coordination';
import type { GatewayConfig } from '../config.ts';
import type { Neighbours } from '../follow/presence.ts';
import type { RateLimits } from './rate-limit.ts';
import { createAdmission, type Admission } from './admission.ts';
import { createHolder } from './holder.ts';
import { InFlight } from './in-flight.ts';
import { createPlaces } from './places.ts';
import { createRate, type Rate } from './rate.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { personLimits, type PersonLimits } from './settings.ts';
import { Shares } from './shares.ts';
import { UnsentBudget } from './unsent.ts';

type Share = Pick<Shares, 'take' | 'release'>;

/** What a person, or an address, may have and do: one place for all of it. */
export interface Budgets {
  admission: Admission;
  sockets: Share;
  follows: Share;
  /** Throws `rate-limited`: everything but prompts, which have a budget of their own. */
  command(userId: string): Promise<void>;
  search(userId: string): Promise<void>;
  /**
   * At most so many of a person at a time on this node; each until its response has left, for until then it is held here. The others
   * wait in turn, for a while.
   */
  reading<T>(userId: string, response: ServerResponse, read: () => Promise<T>): Promise<T>;
  /** Verifying reads all texts of a conversation: one of a person at a time, four of this node. */
  verifying<T>(userId: string, response: ServerResponse, verify: () => Promise<T>): Promise<T>;
  /** Takes a replay; resolves to its release. */
  replay(userId: string): Promise<() => void>;
  /** What all readers that are behind hold together. */
  unsent: UnsentBudget;
  refusals: Refusals;
  /** What is left of the minute's prompts, for the headers of an API; null where nobody can tell in time. */
  prompts: RateLimits['standing'];
  /** The gateways that live, this one under the name its shares are held by. */
  neighbours: Neighbours;
  close(): Promise<void>;
}

export interface BudgetsDeps {
  config: Pick<GatewayConfig, 'nodeId' | 'authMode' | 'maxUnsentBytes' | keyof PersonLimits>;
  runLog: StoreBudgets;
  rateLimits: RateLimits;
  metrics: Metrics;
  /** An ioredis client for the budgets by minute; without it each node counts for itself. */
  redis?: unknown;
}

const REPLAY_RETRY_MS = 5_000;
/** A page that opens ten conversations in six tabs asks for all of it at once; a client's own deadline is longer. */
const READ_PATIENCE_MS = 3_000;
const WAITING_FOR_EACH = 16;
const VERIFYING = { each: 1, node: 4 };

export const createBudgets = ({ config, runLog, rateLimits, metrics, redis }: BudgetsDeps): Budgets => {
  const limits = personLimits(config);
  const refusals = createRefusals(metrics);
  const holder = createHolder(runLog, config.nodeId);
  const share = (kind: ShareKind, limit: number): Shares =>
    new Shares({ limit, ask: (userId, wanted) => holder.ask(kind, limit, userId, wanted) });
  const replays = share('replays', limits.maxReplaysPerUser);
  const unsent = new UnsentBudget(config.maxUnsentBytes, () => refusals.count('memory'));
  const reads = new InFlight(limits.maxReadsPerUser, { ms: READ_PATIENCE_MS, most: limits.maxReadsPerUser * WAITING_FOR_EACH });
  metrics.sampled(
    metrics.gauge('runnel_gateway_reads_waiting', 'Reads that wait because their person has as many under way'),
    () => reads.waiting,
  );
  const verifying = { each: new InFlight(VERIFYING.each), node: new InFlight(VERIFYING.node) };
  const commands = createRate({ prefix: 'rate:command', perMinute: limits.maxCommandsPerMinute, redis, remember: true });
  const searches = createRate({ prefix: 'rate:search', perMinute: limits.maxSearchesPerMinute, redis, remember: true });
  const from = async (rate: Rate, limit: 'commands' | 'searches', userId: string): Promise<void> => {
    const retryAfterMs = await rate.take(userId);
    if (retryAfterMs > 0) throw refusals.of(limit, { retryAfterMs });
  };

  const within = async <T>(counts: InFlight, key: string, response: ServerResponse, work: () => Promise<T>): Promise<T> => {
    const gone = new AbortController();
    const abandon = (): void => gone.abort();
    const stay = onClose(response, abandon);
    const entered = await counts.enter(key, gone.signal);
    stay();
    if (!entered) throw refusals.of('reads', {});
    let left = false;
    const leave = (): void => {
      if (!left) counts.leave(key);
      left = true;
    };
    response.once('finish', leave);
    onClose(response, leave);
    return work();
  };

  return {
    admission: createAdmission({
      runLog,
      rateLimits,
      places: createPlaces(runLog, limits.maxRunsPerUser),
      maxBytes: limits.maxBytesPerUserDay,
      refusals,
    }),
    sockets: share('sockets', limits.maxSocketsPerUser),
    follows: share('follows', limits.maxFollowsPerUser),
    command: (userId) => from(commands, 'commands', userId),
    search: (userId) => from(searches, 'searches', userId),
    reading: (userId, response, read) => within(reads, userId, response, read),
    verifying: (userId, response, verify) => within(verifying.each, userId, response, () => within(verifying.node, '', response, verify)),
    async replay(userId) {
      if (!(await replays.take(userId))) throw refusals.of('replays', { retryAfterMs: REPLAY_RETRY_MS });
      return () => replays.release(userId);
    },
    unsent,
    refusals,
    prompts: (userId) => rateLimits.standing(userId),
    neighbours: holder,
    close() {
      unsent.close();
      return holder.close();
    },
  };
};
