import { runKey, type RunLog } from '@runnel/coordination';
import { afterRenew } from '../run/verdict.ts';
import type { Clock } from './clock.ts';
import type { Outage } from './store-outage.ts';
import type { Held } from './worker.ts';

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
      for (const { owned, active } of held) {
        const outcome = outcomes.get(runKey(owned));
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
