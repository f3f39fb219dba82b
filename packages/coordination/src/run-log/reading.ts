/** What is read of a conversation. */
import type { Cursor, RunSnapshot } from '@runnel/protocol';
import type { TailReach } from '../limits.ts';
import type { Doubt } from '../proofs.ts';
import type { StoredMessage } from './stored.ts';

/** One event of the log: its offset and the very bytes clients get. */
export interface LogEntry {
  offset: number;
  json: string;
}

/** One atomic view of a conversation. */
export type ReadState =
  | { kind: 'none' }
  | ({ kind: 'forbidden' } & Doubt)
  /** Everything after the cursor, complete. */
  | { kind: 'tail'; logId: string; offset: number; entries: LogEntry[] }
  | {
      kind: 'snapshot';
      logId: string;
      offset: number;
      title: string;
      messages: StoredMessage[];
      run: RunSnapshot | null;
      hasMore: boolean;
      /** Made while the database could not be asked whose the id is. */
      unproven?: true;
      /** The store changed behind what it holds: the database may know more (`rehydrate` adds it). */
      lossy?: true;
      /** The cursor knew more of this conversation than the store has since it changed: who holds that writes it again in a moment. */
      behind?: true;
    };
export interface ReadStateQuery {
  conversationId: string;
  /** Undefined: no check (an internal read). */
  userId?: string;
  cursor?: Cursor | null;
  /**
   * How long a tail may be (`TAIL_LIMITS`). `near`, the default: beyond it a snapshot is the cheaper way to catch up. `far`: for who
   * wants the events themselves, as far back as the log has them.
   */
  reach?: TailReach;
  /** A run that is looked for: where it is not here, the database is asked, and what waits there comes back. */
  runId?: string;
  /** Rather `unavailable` than `none` while it is not known whether the database has the conversation. */
  sure?: boolean;
}
