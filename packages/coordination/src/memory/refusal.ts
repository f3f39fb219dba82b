import type { MemoryRun } from './store.ts';

/** Why a write of this owner is refused (L-1); null when it is its own. */
export const refusal = (run: MemoryRun | undefined, epoch: number): 'gone' | 'closed' | 'fenced' | null => {
  if (!run) return 'gone';
  if (run.status !== 'running') return 'closed';
  if (run.owner !== null && run.epoch === epoch) return null;
  return run.epoch < epoch ? 'gone' : 'fenced';
};
