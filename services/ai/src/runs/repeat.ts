import { systemClock, type Clock } from './clock.ts';

/** Does something again and again, the next time `waitMs()` after the last one ended. Stops when the signal aborts. */
export const repeat = async (
  work: () => Promise<void>,
  waitMs: () => number,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> => {
  while (!signal.aborted) {
    await clock.sleep(waitMs(), signal);
    if (!signal.aborted) await work();
  }
};
