import { fullJitter } from '@runnel/kit';
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
 * Asks until the store answers. The call must be safe to repeat: its first answer may have been lost on the way.
 * @throws the last error once `giveUpMs` have passed since the first failure, or the signal has aborted
 */
export const untilAnswered = async <T>(call: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { clock = systemClock, giveUpMs, signal, random } = options;
  let failingSince: number | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      failingSince ??= clock.now();
      options.onFailure?.(error, attempt);
      if (signal?.aborted || clock.now() - failingSince >= giveUpMs) throw error;
      await clock.sleep(fullJitter({ attempt, ...BACKOFF, ...(random && { random }) }), signal);
    }
  }
};
