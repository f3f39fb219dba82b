import { prefixed } from '@runnel/coordination';
import { withDeadline } from '@runnel/kit';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

export interface RateOptions {
  /** Of the keys in Redis. */
  prefix: string;
  perMinute: number;
  /** An ioredis client, so that the budget holds over all nodes; without it each node counts for itself. */
  redis?: unknown;
  /** This node refuses a user over the limit until the minute ends, without asking Redis. Not for budgets with `giveBack`. */
  remember?: boolean;
}

/** So much a minute for each person. Off when `perMinute` is 0. */
export interface Rate {
  /** 0 when it may pass, else the milliseconds after which it may. Never rejects, never waits for a dead Redis. */
  take(userId: string): Promise<number>;
  giveBack(userId: string): Promise<void>;
  /** What is left of this minute; null where nobody can tell in time. */
  left(userId: string): Promise<{ remaining: number; resetMs: number } | null>;
}

/** A budget is waited for so long; then this node's own count decides. */
const STORE_DEADLINE_MS = 150;
const WINDOW_SECONDS = 60;
const OFF: Rate = { take: async () => 0, giveBack: async () => {}, left: async () => null };

export const createRate = ({ prefix, perMinute, redis, remember = false }: RateOptions): Rate => {
  if (perMinute === 0) return OFF;
  const settings = { keyPrefix: prefixed(prefix), points: perMinute, duration: WINDOW_SECONDS };
  const memory = new RateLimiterMemory(settings);
  const block = remember ? { inMemoryBlockOnConsumed: perMinute + 1 } : {};
  const shared: RateLimiterAbstract =
    redis === undefined ? memory : new RateLimiterRedis({ ...settings, ...block, storeClient: redis, insuranceLimiter: memory });

  return {
    async take(userId) {
      try {
        const slow = Symbol('slow');
        const result = await withDeadline<RateLimiterRes | typeof slow>(shared.consume(userId), STORE_DEADLINE_MS, () => slow);
        if (result === slow) await memory.consume(userId);
        return 0;
      } catch (cause) {
        // The library rejects with its verdict, which is no Error; anything else must not stop anybody.
        return cause instanceof RateLimiterRes ? Math.max(1, Math.ceil(cause.msBeforeNext)) : 0;
      }
    },
    async left(userId) {
      try {
        const found = await withDeadline<RateLimiterRes | null | undefined>(shared.get(userId), STORE_DEADLINE_MS, () => undefined);
        if (found === undefined) return null;
        return { remaining: Math.max(0, found?.remainingPoints ?? perMinute), resetMs: Math.max(0, Math.ceil(found?.msBeforeNext ?? 0)) };
      } catch {
        return null;
      }
    },
    async giveBack(userId) {
      await shared.reward(userId, 1).catch(() => undefined);
    },
  };
};
