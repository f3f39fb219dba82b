import { isTransient } from '@runnel/protocol';
import type { AppendChunkResult, EndRunResult, RenewOutcome, RestoreRunResult } from '@runnel/coordination';

/**
 * Why a run's text may not be written any further: `cancel` it is frozen, `fenced` it belongs to somebody else or is over, `given-up`
 * the store stayed away for too long, `lost` by a bug of ours.
 */
export type Verdict = 'cancel' | 'fenced' | 'given-up' | 'lost';

/** What a failed call means that is not tried again. `ending`: the process is, and tries nothing again. Pure. */
export const afterFailure = (error: unknown, ending: boolean): 'given-up' | 'lost' => (ending || isTransient(error) ? 'given-up' : 'lost');

/** What the store's answers mean to the owner of a run. Pure, so that the whole table is one test. */
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
export const afterEnd = (outcome: EndRunResult['outcome'], cancelled: boolean): 'done' | 'cut' | 'restore' | 'fenced' => {
  switch (outcome) {
    case 'ended':
      return 'done';
    case 'gap':
      return cancelled ? 'cut' : 'restore';
    case 'gone':
      return 'restore';
    case 'fenced':
    case 'closed':
      return 'fenced';
  }
};
