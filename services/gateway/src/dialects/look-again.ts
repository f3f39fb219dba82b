import type { StoreHealth } from '@runnel/coordination';
import { delay, fullJitter } from '@runnel/kit';

/** An owner notices within a second that its store has changed, and writes its answer again at once (L-6); a busy machine takes longer. */
const RESTORE_MS = 3_000;
const RETRY = { baseMs: 50, maxMs: 300 };

/**
 * What a look finds; null: there is nothing. A store that has just changed may be without an answer that its owner writes again in a moment: the
 * look is repeated for as long as readers that follow it are kept waiting, so that nobody is told for good that there is nothing.
 */
export const lookAgain = async <T>(store: Pick<StoreHealth, 'storeChangedAgoMs'>, look: () => Promise<T | null>): Promise<T | null> => {
  for (let attempt = 0; ; attempt++) {
    const found = await look();
    if (found !== null) return found;
    // The word that the store has changed comes on the connection that answered this look, before it.
    await delay(0);
    if (store.storeChangedAgoMs() > RESTORE_MS) return null;
    await delay(RETRY.baseMs / 2 + fullJitter({ attempt, ...RETRY }));
  }
};
