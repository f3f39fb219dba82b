import type { RunLog, Subscription, WorkHint } from '@runnel/coordination';
import type { Clock } from './clock.ts';
import { untilAnswered } from './retry.ts';

export interface WorkHintsOptions {
  runLog: Pick<RunLog, 'onWork'>;
  onHint(hint: WorkHint): void;
  onFailure(error: unknown): void;
  clock: Clock;
  random: () => number;
}

/**
 * Listens for hints, and keeps trying while the store is away: a pod may start before its Redis. Hints only make sweeps sooner, so
 * nobody has to wait for them; `tried` resolves after the first try.
 */
export const listenForWork = ({ runLog, onHint, onFailure, clock, random }: WorkHintsOptions) => {
  const closing = new AbortController();
  const tried = Promise.withResolvers<void>();
  const options = { clock, random, giveUpMs: Number.POSITIVE_INFINITY, signal: closing.signal };
  const subscribing: Promise<Subscription | null> = untilAnswered(() => runLog.onWork(onHint), {
    ...options,
    onFailure(error) {
      onFailure(error);
      tried.resolve();
    },
  }).catch(() => null);
  void subscribing.then(() => tried.resolve());
  return {
    tried: tried.promise,
    async close(): Promise<void> {
      closing.abort();
      await (await subscribing)?.close().catch(() => undefined);
    },
  };
};
export type WorkHints = ReturnType<typeof listenForWork>;
