import { withDeadline } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

export interface RateLimits {
  /** Takes one prompt from the user's budget; rejects with `rate-limited` and `retryAfterMs`. Never waits for a dead Redis. */
  takePrompt(userId: string): Promise<void>;
  /** Gives one back: the prompt was a duplicate, or could not be served. */
  giveBack(userId: string): Promise<void>;
}

export interface RateLimitOptions {
  promptsPerMinute: number;
  /** An ioredis client, so that the budget holds over all nodes; without it each node counts for itself. */
  redis?: unknown;
}

/** A prompt waits so long for its budget; then this node's own count decides. */
const STORE_DEADLINE_MS = 150;
const WINDOW_SECONDS = 60;

export const createRateLimits = ({ promptsPerMinute, redis }: RateLimitOptions): RateLimits => {
  const settings = { keyPrefix: 'rate:prompt', points: promptsPerMinute, duration: WINDOW_SECONDS };
  const memory = new RateLimiterMemory(settings);
  const shared: RateLimiterAbstract =
    redis === undefined ? memory : new RateLimiterRedis({ ...settings, storeClient: redis, insuranceLimiter: memory });

  const take = async (userId: string): Promise<RateLimiterRes> => {
    const slow = Symbol('slow');
    const result = await withDeadline<RateLimiterRes | typeof slow>(shared.consume(userId), STORE_DEADLINE_MS, () => slow);
    return result === slow ? memory.consume(userId) : result;
  };

  return {
    async takePrompt(userId) {
      try {
        await take(userId);
      } catch (cause) {
        // The library rejects with its verdict, which is no Error; anything else must not stop a prompt.
        if (!(cause instanceof RateLimiterRes)) return;
        throw new RunnelError('rate-limited', undefined, { retryAfterMs: Math.max(1, Math.ceil(cause.msBeforeNext)) });
      }
    },
    async giveBack(userId) {
      await shared.reward(userId, 1).catch(() => undefined);
    },
  };
};
