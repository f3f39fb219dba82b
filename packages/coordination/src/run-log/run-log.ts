/**
 * The log of every conversation: the only meeting point of gateways and AI pods.
 *
 * Laws, kept by every implementation and checked by `run-log.contract.ts`:
 *
 * - L-1 A write checks the epoch and the expected position before it changes anything. An append whose answer was lost
 *   is sent again and answered `duplicate`; a store shorter than its owner believes answers `gap`.
 * - L-2 Offset, log entry, text, publication and outbox event change together or not at all.
 * - L-3 The published bytes are the client's bytes. Every event starts `{"type":…,"conversationId":…,"offset":…`.
 * - L-6 Lost data is written again by the owner, who holds the text, under a new `logId` (`restoreRun`).
 *
 * Time is the store's (Redis `TIME`), never a pod's. Outcomes are the words below, the same in Lua, metrics and docs.
 * Every method rejects with RunnelError `unavailable` within its deadline (1 s) when the store cannot be reached.
 */
import type { ConversationSummary } from '@runnel/protocol/http';
import type { StorePresence } from '../presence.ts';
import type { FreeRun, Seek } from '../redis/free-runs.ts';
import type { StoreBudgets } from '../budgets.ts';
import type { StoreProofs } from '../proofs.ts';
import type { StoreGrants } from '../grants.ts';
import type { StoreRecords } from '../person-records.ts';
import type { BeginRun, BeginRunResult, ForkConversation, ForkResult, SwitchModel, SwitchModelResult } from './begin.ts';
import type { TimelineBatch } from '../outbox-entries.ts';
import type { ReadState, ReadStateQuery } from './reading.ts';
import type { AppendPartChunk, DecidePart, DecidePartResult, ParkRun, ParkRunResult, PutPart, PutPartResult } from './parts.ts';
import type { Rehydrate, RehydrateResult, RestoreEnd, RestoreEndResult, RestoreRun, RestoreRunResult } from './restoring.ts';
import type { Preset, StoredMessage } from './stored.ts';
import type {
  AppendChunk,
  AppendChunkResult,
  CancelRun,
  CancelRunResult,
  ClaimRun,
  ClaimRunResult,
  EndRun,
  EndRunResult,
  ReleaseOutcome,
  ReleaseRun,
  RenewOutcome,
} from './writing.ts';
import type { OwnedRun, RunRef } from '../run-ref.ts';
import type { Channels } from '../channels.ts';
import type { ProposeTitle, ProposeTitleResult } from './titles.ts';
import type { StoreHealth } from '../store-health.ts';

export type * from '../channels.ts';
export type * from '../store-health.ts';
export type * from './begin.ts';
export type * from './parts.ts';
export type * from './reading.ts';
export type * from './restoring.ts';
export type * from './stored.ts';
export type * from './titles.ts';
export type * from './writing.ts';

export type ChangeResult =
  | { outcome: 'done'; offset: number }
  /** `older`: nothing was kept here of what is so old, and the database was not asked. */
  | { outcome: 'not-found'; older?: true }
  | { outcome: 'forbidden' }
  | { outcome: 'busy'; runId: string };

export type { ConversationSummary };

/** The model of a run accepted while no AI pod had told its models: whatever the pod that takes it has first. Every pod is suited. */
export const DEFAULT_MODEL = 'default';

/** The published hint (not of the log) that a conversation was deleted: readers get a fresh snapshot. */
export const RESET_TYPE = 'reset';

/** The life of a run, from the prompt to its end: gateways begin and cancel it, AI pods claim, write, hand on and end it. */
export interface RunWriter {
  /** Starts a run, with its user message, unless one is running (W-5) or it was started before (W-4). */
  beginRun(command: BeginRun): Promise<BeginRunResult>;
  /** Takes a run nobody owns; the epoch rises by one and fences every earlier owner. */
  claimRun(command: ClaimRun): Promise<ClaimRunResult>;
  /** Another model is to write an answer that has not begun: `run-started` says so once more. */
  switchModel(command: SwitchModel): Promise<SwitchModelResult>;
  appendChunk(command: AppendChunk): Promise<AppendChunkResult>;
  /** Ends a run once: history, `run-ended`, outbox; nothing of the run comes after it (W-10, W-11). */
  endRun(command: EndRun): Promise<EndRunResult>;
  /** Sets the cancel flag and tells the owner. The caller sees to the end (`finishCancel` in the gateway). */
  cancelRun(command: CancelRun): Promise<CancelRunResult>;
  /** Extends many leases; the outcome of each by `runKey`. */
  renewLeases(owner: string, leaseMs: number, runs: readonly OwnedRun[]): Promise<Map<string, RenewOutcome>>;
  /**
   * An owner whose process seems to be gone keeps its leases for `keepMs` at most, unless it renews them meanwhile. The runs whose leases
   * were cut by this call: who tells the other pods of them then (`publishWork`) is one, however many notice the death.
   */
  doubtOwner(owner: string, keepMs: number): Promise<RunRef[]>;
  /** Hands a run back at once (drain) and wakes the other pods. */
  releaseRun(command: ReleaseRun): Promise<ReleaseOutcome>;
  restoreRun(command: RestoreRun): Promise<RestoreRunResult>;
  /** Writes an end again as it was, over whoever has claimed the run meanwhile, unless an end of it stands. */
  restoreEnd(command: RestoreEnd): Promise<RestoreEndResult>;
  /** Tells the outbox when pieces came. Best effort: it gives way long before state changes have to. */
  noteTimeline(batch: TimelineBatch): Promise<void>;
  /** Runs that wait: never claimed, released, or with an expired lease. At most `limit`. */
  findFreeRuns(limit: number, seek?: Seek): Promise<FreeRun[]>;
}

/** The parts of a running answer beside its text. */
export interface StoreParts {
  /** A part appears, or its state or fields change. */
  putPart(command: PutPart): Promise<PutPartResult>;
  appendPartChunk(command: AppendPartChunk): Promise<AppendChunkResult>;
  /** Nobody holds the run until people have decided; the last decision makes it free (W-17). */
  parkRun(command: ParkRun): Promise<ParkRunResult>;
  /** What a person decided; the caller has checked that it fits the part (W-18). */
  decidePart(command: DecidePart): Promise<DecidePartResult>;
}

/** What a conversation holds, for whoever may read it. */
export interface ConversationReader {
  readState(query: ReadStateQuery): Promise<ReadState>;
  /**
   * A page of messages before a message (newest last). `cut`: more had no room in `PAGE_BYTES`, so the page ends early although the
   * store has the rest. `lossy`: the database may know more, as in `ReadState`. `deleted`: lately, by this person; it may not know yet.
   */
  readHistory(query: {
    conversationId: string;
    userId: string;
    before?: string;
    limit: number;
  }): Promise<
    | { kind: 'page'; messages: StoredMessage[]; hasMore: boolean; cut?: true; lossy?: true }
    | { kind: 'none'; deleted?: true }
    | { kind: 'forbidden' }
  >;
  /** The user's conversations, newest first, after a conversation. */
  listConversations(query: {
    userId: string;
    after?: string;
    limit: number;
    /** Those of these alone. */
    only?: readonly string[];
  }): Promise<{ conversations: ConversationSummary[]; hasMore: boolean }>;
}

/** What its owner changes in a conversation beside its runs, and what comes back into it from the database. */
export interface ConversationEditor {
  /** `stored`: what the database has of a message that is older than what is kept here; `ask`: it was not asked yet. */
  deleteMessage(command: {
    conversationId: string;
    userId: string;
    messageId: string;
    stored?: 'ask' | { text: string };
  }): Promise<ChangeResult>;
  /**
   * `forget`: the person is erased, and the id is nobody's afterwards. `deletedBy`: who does it, where it is not the owner. `heard`: the database has heard of this deletion and the store
   * may have lost it; only an older copy of the log that was deleted goes, in which nothing was asked since; else `not-found`. `remade`: the
   * database has what was made after it under the same id, to be put back, so that nothing is told of a deletion.
   */
  deleteConversation(command: {
    conversationId: string;
    userId: string;
    forget?: boolean;
    deletedBy?: string;
    heard?: { logId: string; at: number; remade?: boolean };
  }): Promise<ChangeResult>;
  /** An empty one is taken away, an absent one stays. No event: nothing that is shown changes. */
  setPreset(command: { conversationId: string; userId: string } & Preset): Promise<ChangeResult>;
  setTitle(command: { conversationId: string; userId: string; title: string }): Promise<ChangeResult>;
  /** Calls it as a model says, where nobody has called it anything: lists and readers are told as of any other title. */
  proposeTitle(command: ProposeTitle): Promise<ProposeTitleResult>;
  /** A new conversation that begins as a branch of another one; told to the audit whole. */
  forkConversation(command: ForkConversation): Promise<ForkResult>;
  /** Puts a conversation back that only the database still knows; readers are told to look again. */
  rehydrate(command: Rehydrate): Promise<RehydrateResult>;
}

type Conversations = ConversationReader & ConversationEditor;
type Store = StoreParts & StoreBudgets & StoreGrants & StoreProofs & StorePresence & StoreRecords & StoreHealth;

/** All of it, as an implementation has it; who uses it asks for the part it needs. */
export interface RunLog extends RunWriter, Conversations, Channels, Store {
  close(): Promise<void>;
}
