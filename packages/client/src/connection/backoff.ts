export const BACKOFF_BASE_MS = 250;
export const BACKOFF_MAX_MS = 30_000;

/**
 * Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"): anywhere between nothing and a ceiling that
 * doubles, so that the clients of a dead gateway do not come back in waves.
 *
 * @param attempt failures so far, from 0
 * @param random in [0, 1)
 * @returns milliseconds to wait
 */
export const backoffMs = (attempt: number, random: () => number): number =>
  Math.floor(random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 20)));
