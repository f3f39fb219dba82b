/**
 * Resolves after `ms`, or at once when the signal aborts: a loop looks at `signal.aborted` itself, and nobody has to
 * catch an error that is none.
 */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

export interface WaitForOptions {
  deadlineMs?: number;
  everyMs?: number;
  /** Named in the error. */
  what?: string;
}

/**
 * Polls until `condition` gives something truthy and returns that. A condition that throws counts as not yet.
 * @throws Error after `deadlineMs` (20 s), with what the condition threw last as its cause
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 20_000, everyMs = 20, what = 'the condition' }: WaitForOptions = {},
): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= giveUpAt) throw new Error(`${what} did not come true within ${deadlineMs} ms`, { cause });
    await delay(everyMs);
  }
}

/**
 * A random wait in [0, min(maxMs, baseMs · 2^attempt)), `attempt` counting from 0.
 * "Full jitter" of Marc Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015).
 */
export function fullJitter(options: { attempt: number; baseMs: number; maxMs: number; random?: () => number }): number {
  const { attempt, baseMs, maxMs, random = Math.random } = options;
  return random() * Math.min(maxMs, baseMs * 2 ** attempt);
}

/**
 * `promise`, or after `ms` what `onTimeout` returns (a fallback) or throws (an error). The promise itself goes on; its
 * late failure is dropped.
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, onTimeout: () => T): Promise<T> {
  return withPatience(promise, { ms, limitMs: ms, worthWaiting: () => false }, onTimeout);
}

export interface Patience {
  ms: number;
  /** Asked after `ms`, and again and again: whether what is waited for is only slow. */
  worthWaiting: () => boolean;
  /** After this time it is over all the same. */
  limitMs: number;
}

const ASK_AGAIN_MS = 100;

/** As `withDeadline`, but longer than `ms` while it is worth waiting. */
export function withPatience<T>(promise: Promise<T>, { ms, worthWaiting, limitMs }: Patience, onTimeout: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const overAt = performance.now() + limitMs;
    let settled = false;
    let timer: NodeJS.Timeout;
    // One turn later: timers of a busy process fire before what has already arrived is read.
    const giveUpAfter = (waitMs: number): void => void (timer = setTimeout(() => setImmediate(giveUp), waitMs));
    const giveUp = (): void => {
      if (settled) return;
      if (performance.now() < overAt && worthWaiting()) return giveUpAfter(ASK_AGAIN_MS);
      try {
        resolve(onTimeout());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    giveUpAfter(ms);
    promise.then(resolve, reject).finally(() => {
      settled = true;
      clearTimeout(timer);
    });
  });
}
