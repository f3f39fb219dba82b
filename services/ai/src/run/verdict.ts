import { isTransient } from '@runnel/protocol';
import type { AppendChunkResult, EndRunResult, RenewOutcome, RestoreRunResult } from '@runnel/coordination';

/**
 * Why a run's text may not be written any further: `cancel` it is frozen, `fenced` it belongs to somebody else or is over, `given-up`
 * the store stayed away for too long, `lost` by a bug of ours.
 */
export type Verdict = 'cancel' | 'fenced' | 'given-up' | 'lost';

/** The verdict for an error that is not retried. `ending`: the process ends, so nothing is retried. Pure. */
export const afterFailure = (error: unknown, ending: boolean): 'given-up' | 'lost' => (ending || isTransient(error) ? 'given-up' : 'lost');

/** The owner's next step for each outcome of the store. Pure, so that one test covers the whole table. */
export const afterAppend = (outcome: AppendChunkResult['outcome']): 'next' | 'restore' | 'cancel' | 'fenced' => {
  switch (outcome) {
    case 'appended':
    // The answer to the first try was lost; the bytes stand.
    case 'duplicate':
      return 'next';
    case 'gap':
    case 'gone':
      return 'restore';
    case 'cancelled':
      return 'cancel';
    case 'fenced':
    case 'closed':
      return 'fenced';
  }
};

export const afterRestore = (outcome: RestoreRunResult['outcome']): 'next' | 'wait' | 'fenced' => {
  switch (outcome) {
    case 'restored':
      return 'next';
    case 'busy':
      return 'wait';
    case 'fenced':
    case 'closed':
      return 'fenced';
  }
};

export const afterRenew = (outcome: RenewOutcome): 'keep' | 'restore' | 'cancel' | 'fenced' => {
  switch (outcome) {
    case 'renewed':
      return 'keep';
    case 'gone':
      return 'restore';
    case 'cancelled':
      return 'cancel';
    case 'fenced':
    case 'closed':
      return 'fenced';
  }
};

/** A cancelled text is frozen, so the owner takes the store's length (`cut`); any other text the store must have whole. */
export const afterEnd = (outcome: EndRunResult['outcome'], cancelled: boolean): 'done' | 'cut' | 'restore' | 'reread' | 'fenced' => {
  switch (outcome) {
    case 'ended':
      return 'done';
    case 'gap':
      return cancelled ? 'cut' : 'restore';
    // Somebody decided meanwhile, or the store has lost some.
    case 'changed':
      return 'reread';
    case 'gone':
      return 'restore';
    case 'fenced':
    case 'closed':
      return 'fenced';
  }
};
