import { runKey, type OwnedRun, type RunLog } from '@runnel/coordination';
import type { Model } from '../models/registry.ts';
import type { ActiveRun } from '../run/run-job.ts';
import { afterRenew } from '../run/verdict.ts';
import type { Clock } from './clock.ts';
import type { Outage } from './store-outage.ts';

/** A run of this pod. */
export interface Held {
  owned: OwnedRun;
  model: Model;
  active: ActiveRun;
  /** Until when the lease surely holds, by the clock's `now`: counted from before it was asked for (W-19). */
  leaseUntil: number;
}

/** What became of taking a run on. */
export type TakeResult = { outcome: 'claimed'; epoch: number } | { outcome: 'owned' | 'gone' | 'unsuited' | 'full' | 'draining' };

export interface LeaseMeans {
  runLog: Pick<RunLog, 'renewLeases'>;
  owner: string;
  leaseMs: number;
  /** What this pod writes now, by `runKey`. */
  runs: ReadonlyMap<string, Held>;
  store: Pick<Outage, 'answered' | 'failed'>;
  clock: Clock;
}

/** Whether this pod still owns its runs only the store knows: it is asked at each renewal, and where a cancel is said to be wanted. */
export const keepLeases = ({ runLog, owner, leaseMs, runs, store, clock }: LeaseMeans) => ({
  async renew(): Promise<void> {
    const held = [...runs.values()];
    if (held.length === 0) return;
    const askedAt = clock.now();
    try {
      const outcomes = await runLog.renewLeases(
        owner,
        leaseMs,
        held.map(({ owned }) => owned),
      );
      store.answered();
      for (const run of held) {
        const { owned, active } = run;
        const outcome = outcomes.get(runKey(owned));
        if (outcome === 'renewed') run.leaseUntil = askedAt + leaseMs;
        const next = outcome === undefined ? 'keep' : afterRenew(outcome);
        if (next === 'restore') active.restore(askedAt);
        else if (next !== 'keep') active.stop(next);
      }
    } catch (error) {
      store.failed(error);
    }
  },

  /** A hint that a run's cancel is wanted: asks the store, which alone decides. False when no run of this name is here. */
  async check(runId: string, conversationId?: string): Promise<boolean> {
    const named = [...runs.values()].filter(
      ({ owned }) => owned.runId === runId && (conversationId === undefined || owned.conversationId === conversationId),
    );
    if (named.length === 0) return false;
    const outcomes = await runLog.renewLeases(
      owner,
      leaseMs,
      named.map(({ owned }) => owned),
    );
    for (const { owned, active } of named) {
      const next = afterRenew(outcomes.get(runKey(owned)) ?? 'renewed');
      if (next === 'cancel' || next === 'fenced') active.stop(next);
    }
    return true;
  },
});
