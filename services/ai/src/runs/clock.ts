import { delay } from '@runnel/kit';

/** Time as this service needs it; tests give one of their own. */
export interface Clock {
  /** Monotonic milliseconds: pace, deadlines, durations. */
  now(): number;
  /** Milliseconds since the epoch, whole: the `t` of a chunk. */
  wall(): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: delay,
};
