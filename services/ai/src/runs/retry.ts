import { fullJitter } from '@runnel/kit';
import { isTransient } from '@runnel/protocol';
import { systemClock, type Clock } from './clock.ts';

export interface RetryOptions {
  clock?: Clock;
  random?: () => number;
  /** How long it goes on failing before the last error is thrown. */
  giveUpMs: number;
  /** Gives up at the next failure. */
  signal?: AbortSignal;
  onFailure?: (error: unknown, attempt: number) => void;
}

/** Short enough that an owner is back before its lease is swept when a store returns. */
const BACKOFF = { baseMs: 25, maxMs: 400 };

/**
 * Asks until the store answers. The call must be safe to repeat: its first answer may have been lost on the way. An answer at once
 * costs no more than the call: this is on the way of every chunk.
 * An error that is not `retryable` (a bug of ours, a refusal) is thrown at once: retrying it would only hide it for ten minutes.
 * @throws the last error once `giveUpMs` have passed since the first failure, or the signal has aborted
 */
export const untilAnswered = <T>(call: () => Promise<T>, options: RetryOptions): Promise<T> =>
  call().catch((error: unknown) => askAgain(call, options, error));

const askAgain = async <T>(call: () => Promise<T>, options: RetryOptions, first: unknown): Promise<T> => {
  const { clock = systemClock, giveUpMs, signal, random } = options;
  const failingSince = clock.now();
  for (let attempt = 0, error = first; ; attempt++) {
    options.onFailure?.(error, attempt);
    if (!isTransient(error) || signal?.aborted || clock.now() - failingSince >= giveUpMs) throw error;
    await clock.sleep(fullJitter({ attempt, ...BACKOFF, ...(random && { random }) }), signal);
    try {
      return await call();
    } catch (again) {
      error = again;
    }
  }
};
