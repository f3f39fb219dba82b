import { runKey, type OwnedRun, type RunLog } from '@runnel/coordination';
import type { Model } from '../models/registry.ts';
import type { ActiveRun } from '../run/generate.ts';
import { afterRenew } from '../run/verdict.ts';
import type { Clock } from './clock.ts';
import type { createOutage } from './store-outage.ts';

/** A run of this pod. */
export interface Held {
  owned: OwnedRun;
  model: Model;
  active: ActiveRun;
  /** Until when the lease surely holds, by the clock's `now`: counted from before it was asked for (W-19). */
  leaseUntil: number;
}

export interface LeasesDeps {
  runLog: Pick<RunLog, 'renewLeases'>;
  owner: string;
  leaseMs: number;
  clock: Clock;
  runs: ReadonlyMap<string, Held>;
  store: Pick<ReturnType<typeof createOutage>, 'answered' | 'failed'>;
}

/** Keeps the leases of this pod's runs, and tells each what the store says of it. */
export const createLeases = ({ runLog, owner, leaseMs, clock, runs, store }: LeasesDeps) => {
  const ask = async (held: readonly Held[]) => {
    const askedAt = clock.now();
    const outcomes = await runLog.renewLeases(
      owner,
      leaseMs,
      held.map(({ owned }) => owned),
    );
    for (const run of held) if (outcomes.get(runKey(run.owned)) === 'renewed') run.leaseUntil = askedAt + leaseMs;
    return { askedAt, outcomes };
  };

  const renew = async (): Promise<void> => {
    const held = [...runs.values()];
    if (held.length === 0) return;
    try {
      const { askedAt, outcomes } = await ask(held);
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
  };

  /** A hint that a run's cancel is wanted: asks the store, which alone decides. False when no run of this name is here. */
  const check = async (runId: string, conversationId?: string): Promise<boolean> => {
    const named = [...runs.values()].filter(
      ({ owned }) => owned.runId === runId && (conversationId === undefined || owned.conversationId === conversationId),
    );
    if (named.length === 0) return false;
    const { outcomes } = await ask(named);
    for (const { owned, active } of named) {
      const next = afterRenew(outcomes.get(runKey(owned)) ?? 'renewed');
      if (next === 'cancel' || next === 'fenced') active.stop(next);
    }
    return true;
  };
  return { renew, check };
};
