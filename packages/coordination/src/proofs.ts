import type { Rehydrate } from './run-log/restoring.ts';

/** Of `forbidden`: by what is left of a conversation that is gone, or by one that is not proven: the database knows better. */
export interface Doubt {
  doubtful?: true;
}

export type MergeStoredResult =
  | { outcome: 'merged'; logId: string }
  /** It is this person's, and nothing was lacking. */
  | { outcome: 'proven' }
  | { outcome: 'gone' }
  | { outcome: 'forbidden' };

export type ExpelResult = { outcome: 'expelled'; userId: string } | { outcome: 'gone' };

/** What becomes of a conversation that was made while the database could not be asked, once it answers. */
export interface StoreProofs {
  /** Puts what only the database has under what is here. */
  mergeStored(command: Rehydrate): Promise<MergeStoredResult>;
  /** Takes the id from who is not its owner: from `intruder`, or from whoever is not `rightful`. */
  expel(command: { conversationId: string } & ({ intruder: string } | { rightful: string })): Promise<ExpelResult>;
}
