import { RunnelError } from '@runnel/protocol';
import { createRate } from './rate.ts';

export interface RateLimits {
  /** Takes one prompt from the user's budget; rejects with `rate-limited` and `retryAfterMs`. Never waits for a dead Redis. */
  takePrompt(userId: string): Promise<void>;
  /** Gives one back: the prompt was a duplicate, or could not be served. */
  giveBack(userId: string): Promise<void>;
  /** For the headers of an API: how many prompts there are in a minute, and how many are left of this one. */
  standing(userId: string): Promise<{ limit: number; remaining: number; resetMs: number } | null>;
}

export interface RateLimitOptions {
  promptsPerMinute: number;
  /** An ioredis client, so that the budget holds over all nodes; without it each node counts for itself. */
  redis?: unknown;
}

export const createRateLimits = ({ promptsPerMinute, redis }: RateLimitOptions): RateLimits => {
  const rate = createRate({ prefix: 'rate:prompt', perMinute: promptsPerMinute, redis });
  return {
    async takePrompt(userId) {
      const retryAfterMs = await rate.take(userId);
      if (retryAfterMs > 0) throw new RunnelError('rate-limited', undefined, { retryAfterMs, limit: 'prompts' });
    },
    giveBack: (userId) => rate.giveBack(userId),
    async standing(userId) {
      const left = await rate.left(userId);
      return left && { limit: promptsPerMinute, ...left };
    },
  };
};
