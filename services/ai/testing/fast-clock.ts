import type { Clock } from '../src/runs/clock.ts';

/** A clock on which sleeping takes no time: `now` jumps ahead by it. */
export const createFastClock = (start = 0): Clock => {
  let now = start;
  return {
    now: () => now,
    wall: () => Math.floor(now),
    async sleep(ms, signal) {
      if (!signal?.aborted) now += ms;
    },
  };
};
