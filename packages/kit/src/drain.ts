import type { Health } from './health.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { withDeadline } from './wait.ts';

/** A process serves, then drains, then has drained; never back. */
export const DRAIN_STATES = ['serving', 'draining', 'drained'] as const;
export type DrainState = (typeof DRAIN_STATES)[number];

export interface DrainOptions {
  health: Health;
  metrics: Metrics;
  log: Logger;
  /** After this the process counts as drained, whatever is left: the pod's grace period is longer, so nothing is cut unseen. */
  windowMs: number;
  /** Sends away what the process holds. Begun once, after the process took itself out of service. */
  work(): Promise<unknown>;
}

export interface Drain {
  readonly state: DrainState;
  /** SIGTERM and `POST /drain` both end here; many calls make one drain. Resolves when it is over, never rejects. */
  drain(): Promise<void>;
}

/** The one way out of service for every kind of pod; what it does there is its own `work`. */
export const createDrain = ({ health, metrics, log, windowMs, work }: DrainOptions): Drain => {
  const gauge = metrics.gauge('runnel_drain_state', '1 for the state the process is in: serving, draining, drained', ['state']);
  let state: DrainState = 'serving';
  let drained: Promise<void> | undefined;

  const enter = (next: DrainState): void => {
    state = next;
    for (const name of DRAIN_STATES) gauge.set({ state: name }, name === next ? 1 : 0);
  };
  const run = async (): Promise<void> => {
    enter('draining');
    health.setUnready('draining');
    const late = (): void => log.warn({ event: 'drain.late', windowMs });
    await withDeadline(Promise.resolve().then(work), windowMs, late).catch((error: unknown) =>
      log.error({ event: 'drain.failed', err: error }),
    );
    enter('drained');
  };

  enter('serving');
  return {
    get state() {
      return state;
    },
    drain: () => (drained ??= run()),
  };
};
