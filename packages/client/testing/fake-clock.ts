import type { Clock } from '../src/clock.ts';

export interface FakeClock extends Clock {
  /** Lets time pass: runs what comes due, in order, and what that brings about. */
  advance(ms: number): Promise<void>;
  /** Timers that still wait. */
  pending(): number;
}

/** Waits for what really runs elsewhere (Web Crypto's threads, a local server); rejects after a deadline of real time. */
export const until = async (condition: () => boolean, deadlineMs = 5_000): Promise<void> => {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Runs every microtask that is due, and what they queue. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
};

export const createFakeClock = (start = 1_000_000): FakeClock => {
  let now = start;
  let order = 0;
  const timers = new Map<number, { at: number; task: () => void }>();
  return {
    now: () => now,
    after(ms, task) {
      const id = ++order;
      timers.set(id, { at: now + Math.max(0, ms), task });
      return () => void timers.delete(id);
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0]);
        if (!next) break;
        timers.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].task();
        await settle();
      }
      now = end;
      await settle();
    },
    pending: () => timers.size,
  };
};
