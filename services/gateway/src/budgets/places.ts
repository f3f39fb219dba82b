import type { HeldRun, RunRef, StoreBudgets } from '@runnel/coordination';

/** A run that is not in its conversation yet may be about to begin: a command is given up long before. */
const BEGINNING_MS = 10_000;
/** Of a large limit only the oldest are looked at: they are the likeliest to have ended. */
const MOST_LOOKED_AT = 20;

export type Place = 'reserved' | 'kept' | 'full';

/**
 * How many runs a person has at a time, those that wait included. Places are given back when they are missed: who is at the limit looks
 * at the runs that hold them, and those that have ended are dropped. So an end costs nothing, whoever brings it, and none is forgotten.
 */
export const createPlaces = (store: StoreBudgets, limit: number) => {
  /** Whether a run that holds a place is over. */
  const isOver = async (userId: string, { conversationId, runId, ageMs }: HeldRun): Promise<boolean> => {
    const { outcome } = await store.findRun({ conversationId, userId, messageId: null, runId });
    if (outcome === 'running') return false;
    return outcome === 'ended' || ageMs > BEGINNING_MS;
  };
  const over = async (userId: string, held: readonly HeldRun[]): Promise<HeldRun[]> => {
    const looked = held.slice(0, MOST_LOOKED_AT);
    const verdicts = await Promise.all(looked.map((run) => isOver(userId, run)));
    return looked.filter((_, index) => verdicts[index]);
  };

  return {
    /** @throws RunnelError `unavailable` */
    async reserve(userId: string, run: RunRef): Promise<Place> {
      if (limit === 0) return 'kept';
      const first = await store.reserveRun({ userId, ...run, limit });
      if (first.outcome !== 'full') return first.outcome;
      const drop = await over(userId, first.held);
      if (drop.length === 0) return 'full';
      return (await store.reserveRun({ userId, ...run, limit, drop })).outcome;
    },
    free: (userId: string, run: RunRef): Promise<void> => (limit === 0 ? Promise.resolve() : store.freeRuns(userId, [run])),
  };
};
export type Places = ReturnType<typeof createPlaces>;
