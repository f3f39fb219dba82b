export interface RateLimits {
  /** Takes one prompt from the user's budget; rejects with `rate-limited` and `retryAfterMs`. Never waits for a dead Redis. */
  takePrompt(userId: string): Promise<void>;
  /** Gives one back: the prompt was a duplicate or was refused. */
  giveBack(userId: string): Promise<void>;
}
