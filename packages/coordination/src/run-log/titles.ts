import type { RunRef } from '../run-ref.ts';

/** A title that a model made of the first question and its answer (`runId`). */
export interface ProposeTitle extends RunRef {
  userId: string;
  promptId: string;
  /** The title in whose place it comes: compare and set. */
  expected: string;
  title: string;
  /** Which model made it: for the trail. */
  model: string;
}

export type ProposeTitleResult =
  | { outcome: 'named'; offset: number }
  /** It has another title: a person's, or another model's. */
  | { outcome: 'kept' }
  /** The store may have lost a newer one. */
  | { outcome: 'doubtful' }
  /** The conversation is not there, or one of the two messages. */
  | { outcome: 'gone' };
