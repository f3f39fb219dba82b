/** What is written again into a store that has lost it. */
import type { Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';
import type { OwnedRun } from '../run-ref.ts';
import type { Preset, RunFacts, StoredMessage } from './stored.ts';
import type { EndRun } from './writing.ts';

/** What an owner holds and can write again after the store has lost it (L-6). */
export interface RestoreRun extends OwnedRun {
  owner: string;
  leaseMs: number;
  /** The epoch by which it has the run now, where `epoch` is to be a higher one: `fenced`, when it has been claimed since. */
  claimed?: number;
  /** The incarnation the owner knew; a new one is made unless the conversation was made again meanwhile. */
  newLogId: string;
  userId: string;
  title: string;
  run: RunFacts;
  text: string;
  /** By index; nothing without parts. */
  parts?: readonly Part[];
  /** As in `PutPart`. */
  step?: number;
  messages: readonly StoredMessage[];
  /** As in `BeginRun`. */
  request?: string;
}
export type RestoreRunResult =
  | { outcome: 'restored'; logId: string }
  /** Another run is active in the conversation: try again when it has ended. */
  | { outcome: 'busy' }
  | { outcome: 'fenced' }
  | { outcome: 'closed' };

/** The end of a run as it was shown, from whoever saw it, for a store that has gone back behind it. */
export interface RestoreEnd extends Omit<EndRun, 'epoch'>, OwnedRun {
  newLogId: string;
  userId: string;
  title: string;
  run: RunFacts;
  text: string;
  messages: readonly StoredMessage[];
}
export type RestoreEndResult =
  | { outcome: 'restored'; logId: string }
  /** The store has an end of it: the first one counts. */
  | { outcome: 'stands' }
  /** Another run is active in the conversation: try again when it has ended. */
  | { outcome: 'busy' }
  /** Deleted, made again meanwhile, or somebody else's. */
  | { outcome: 'closed' };

/** A conversation as the database has it, for one that has left the store. */
export interface Rehydrate extends Preset {
  conversationId: string;
  userId: string;
  title: string;
  /** In order of creation, at most 200. */
  messages: readonly StoredMessage[];
  hasMore: boolean;
  /**
   * An answer that waits for a person, or was decided on and not yet ended: it comes back with the conversation (W-17). Until it is claimed it
   * is a copy: an owner that lives and went on with it writes what it has over it, and its next epoch is above all that owner could have.
   */
  parked?: ParkedRun;
}
export type RehydrateResult =
  | { outcome: 'rehydrated'; logId: string }
  | { outcome: 'exists' }
  | { outcome: 'forbidden' }
  /** Deleted, and the database has not heard of it yet. */
  | { outcome: 'gone' };
