import type { Clock } from '../clock.ts';

/** Time a server has to answer an own `ping` before its socket counts as dead. */
export const PONG_DEADLINE_MS = 5_000;

export interface Heartbeat {
  /** Anything arrived. */
  traffic(): void;
  /** Ask now instead of waiting for silence: the page woke up or the network changed. */
  probe(): void;
  stop(): void;
}

/**
 * Watches a connection that may have died without a word (a phone that changed networks): browsers hide the server's pings,
 * so after `quietMs` without traffic it pings itself, and gives up when nothing at all comes back. For `quietMs` after a probe that somebody
 * asked for it is less patient: a word that was on its way when the network went answers a ping as well, and 20 s would pass before the next.
 */
export const watchHeartbeat = (options: { clock: Clock; quietMs: number; ping: () => void; silent: () => void }): Heartbeat => {
  const { clock, quietMs, ping, silent } = options;
  let last = clock.now();
  let cancel = (): void => undefined;
  let probing = false;
  let doubtedUntil = -Infinity;
  const probe = (): void => {
    if (probing) return;
    probing = true;
    cancel();
    cancel = clock.after(PONG_DEADLINE_MS, silent);
    ping();
  };
  // One timer looks at a time stamp: a timer per event would be armed thousands of times a minute.
  const look = (): void => {
    const now = clock.now();
    const patience = now < doubtedUntil ? Math.min(quietMs, PONG_DEADLINE_MS) : quietMs;
    const quiet = now - last;
    if (quiet >= patience) probe();
    else cancel = clock.after(patience - quiet, look);
  };
  look();
  return {
    traffic() {
      last = clock.now();
      if (!probing) return;
      probing = false;
      cancel();
      look();
    },
    probe() {
      doubtedUntil = clock.now() + quietMs;
      probe();
    },
    stop: () => cancel(),
  };
};
