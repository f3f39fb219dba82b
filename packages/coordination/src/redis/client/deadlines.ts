/** Interval of the checks: a deadline fires at most this much late. */
const LOOK_MS = 25;

/** Something that waits, and what happens when it has waited too long. */
export interface Wait {
  since: number;
  giveUp(): void;
}

export interface Deadlines {
  begin(wait: Wait): void;
  /** False when it was given up before. */
  end(wait: Wait): boolean;
}

/**
 * Many waits of the same length, and one timer for all of them: they end in the order they began, so the oldest are looked at and no
 * others. A timer for each command costs more than the command. `worthWaiting` is asked for each that is over its time.
 */
export const createDeadlines = (ms: number, worthWaiting: (waitedMs: number) => boolean): Deadlines => {
  const waits = new Set<Wait>();
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    timer = undefined;
    const now = performance.now();
    for (const wait of waits) {
      const waited = now - wait.since;
      if (waited < ms) break;
      if (worthWaiting(waited)) continue;
      waits.delete(wait);
      wait.giveUp();
    }
    if (waits.size > 0) lookLater();
  };
  const lookLater = (): void => {
    // One turn later: in a busy process, timers fire before replies that have already arrived are read.
    timer = setTimeout(() => setImmediate(look), LOOK_MS);
  };

  return {
    begin(wait) {
      waits.add(wait);
      if (timer === undefined) lookLater();
    },
    end: (wait) => waits.delete(wait),
  };
};
