import { newId } from '@runnel/protocol';
import { withDeadline } from '@runnel/kit';
import type { ShareKind, StoreBudgets } from '@runnel/coordination';
import type { Neighbours } from '../follow/presence.ts';

/** A dead gateway disappears from counts within the sum of both. */
const EVERY_MS = 2_000;
const LEASE_MS = 7_000;
const DEADLINE_MS = 150;
/** After a question that was not answered the store is left alone for so long: a follow must not wait for a dead Redis each time. */
const AWAY_MS = 1_000;

/** This gateway among those that hold shares: says that it lives, and knows who else does. */
export interface Holder extends Neighbours {
  ask(kind: ShareKind, limit: number, userId: string, wanted: number): Promise<number | null>;
  close(): Promise<void>;
}

export const createHolder = (store: StoreBudgets, node: string): Holder => {
  // A process of its own: what one of the same name held before it is gone with that process.
  const holder = `${node}.${newId()}`;
  let holders: string[] = [holder];
  let awayUntil = 0;
  const note = (leaseMs: number): Promise<void> =>
    store.noteHolder(holder, leaseMs).then(
      (names) => void (holders = names),
      () => undefined,
    );
  void note(LEASE_MS);
  const timer = setInterval(() => void note(LEASE_MS), EVERY_MS).unref();

  return {
    name: holder,
    alive: () => holders,
    async ask(kind, limit, userId, wanted) {
      if (performance.now() < awayUntil) return null;
      const asking = store.holdShare({ userId, kind, holder, wanted, limit, holders }).catch(() => null);
      const granted = await withDeadline(asking, DEADLINE_MS, () => null);
      if (granted === null) awayUntil = performance.now() + AWAY_MS;
      return granted;
    },
    async close() {
      clearInterval(timer);
      await note(0);
    },
  };
};
