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
import type { EndReason, Finish, Message, Part, RunError, RunSnapshot, Usage } from '@runnel/protocol';
import type { FreeRun, Seek } from '../redis/free-runs.ts';
import type { StoreBudgets } from '../budgets.ts';
import type { StoreProofs } from '../proofs.ts';
import type { StoreGrants } from '../grants.ts';
import type { StoreRecords } from '../person-records.ts';
import type { BeginRun, BeginRunResult, ForkConversation, ForkResult, SwitchModel, SwitchModelResult } from './begin.ts';
import type { TimelineBatch } from '../outbox-entries.ts';
import type { ReadState, ReadStateQuery } from './reading.ts';
import type { EndingPart, StoreParts, Used } from './parts.ts';
import type { Rehydrate, RehydrateResult, RestoreEnd, RestoreEndResult, RestoreRun, RestoreRunResult } from './restoring.ts';
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
export type * from './titles.ts';

/** What of a run never changes. */
export type RunFacts = Pick<RunSnapshot, 'runId' | 'parentId' | 'model' | 'startedAt'>;

/** A message as the store keeps it, in order of creation. */
export type StoredMessage = Message;

export interface ClaimRun extends RunRef {
  /** Random per process start, with the pod's name. */
  owner: string;
  leaseMs: number;
  /** Models this pod can run; true where it can continue a text, else the text starts again (`restarted`). */
  models: Readonly<Record<string, boolean>>;
}
export type ClaimRunResult =
  | {
      outcome: 'claimed';
      epoch: number;
      logId: string;
      /** Text that stands; empty on the first claim and when the model must start again. */
      text: string;
      /** By index, with all that stands of them. */
      parts: Part[];
      run: RunFacts;
      userId: string;
      title: string;
      /** From the root to the message to answer. */
      messages: StoredMessage[];
      /** A cancel arrived before the claim: end it, do not generate. */
      cancelled: CancelRequest | null;
      trace: string | null;
      /** As in `BeginRun`. */
      request?: string;
      /** It cannot be answered: its question cannot be read, or it has gone round from owner to owner. Whoever has it ends it. */
      spoilt?: 'unreadable' | 'tried';
      /** By the store's clock, as the run's `startedAt`. */
      claimedAt: number;
      /**
       * The store may be older than the run's end: ask who may know. `stale`: its owner fell silent, or nobody took it for long; if nobody
       * knows, it goes on. `lost`: the store changed and nobody came back to it; one that was claimed before ends with the text that stands.
       */
      doubt?: 'stale' | 'lost';
      /** The conversation's own text for the model, after the model's. */
      system?: string;
      /** UTF-8 bytes at the beginning of its text that came from the answer it continues. */
      base?: number;
      /** What it had cost when it began to wait for a person. */
      used?: Used;
      /** What was asked for, where another model answers. */
      requestedModel?: string;
    }
  /** Somebody holds a lease that has not expired. */
  | { outcome: 'owned'; model?: string }
  /** This pod does not have the run's model. */
  | { outcome: 'unsuited' }
  /** Ended, or never known. */
  | { outcome: 'gone' };

export interface CancelRequest {
  by: string;
  /** Milliseconds, store's clock. */
  requestedAt: number;
}

export interface AppendChunk extends OwnedRun {
  /** UTF-8 byte position the text must stand at. */
  at: number;
  text: string;
  /** When the model gave the first byte (ms, the pod's clock). */
  t: number;
}
export type AppendChunkResult =
  | { outcome: 'appended'; offset: number }
  /** Exactly these bytes already stand at `at`. */
  | { outcome: 'duplicate' }
  /** The text in the store has `bytes` bytes and does not fit. */
  | { outcome: 'gap'; bytes: number }
  /** Nothing written: a cancel is wanted; the text is frozen. */
  | { outcome: 'cancelled' }
  /** A higher epoch owns the run. */
  | { outcome: 'fenced' }
  /** The run has ended, or its conversation was deleted. */
  | { outcome: 'closed' }
  /** The store does not know the run: lost data. */
  | { outcome: 'gone' };

export interface EndRun extends RunRef {
  /** The owner's epoch; null for a gateway that ends a run whose cancel is set (its text is frozen by then). */
  epoch: number | null;
  reason: EndReason;
  /** Length and digest of the text the caller holds; the store compares the length. */
  bytes: number;
  sha256: string;
  /** How the model stopped; nothing when it was stopped. */
  finish?: Finish;
  usage?: Usage;
  error?: RunError;
  /** ms from the run's start to its first word, where the caller knows: for the receipt. */
  firstWordMs?: number;
  /** By index, as the caller holds them and as the end leaves them; nothing without parts. The store compares states and lengths. */
  parts?: readonly EndingPart[];
}
export type EndRunResult =
  /** `reason`: what stands in the log; `cancelled` when a cancel came first. */
  | { outcome: 'ended'; offset: number; reason?: EndReason }
  | { outcome: 'gap'; bytes: number }
  /** The parts in the store are not as the caller holds them. */
  | { outcome: 'changed' }
  | { outcome: 'fenced' }
  | { outcome: 'closed' }
  | { outcome: 'gone' };

export interface CancelRun extends RunRef {
  userId: string;
}
export type CancelRunResult =
  /** The flag stands; from now on no append is accepted. `owned`: somebody holds a live lease and was told. */
  { outcome: 'cancelling'; owned: boolean } | { outcome: 'already-ended' } | { outcome: 'gone' } | { outcome: 'forbidden' };

export type RenewOutcome = 'renewed' | 'cancelled' | 'fenced' | 'closed' | 'gone';

export interface ReleaseRun extends OwnedRun {}

export type ChangeResult =
  | { outcome: 'done'; offset: number }
  /** `older`: nothing was kept here of what is so old, and the database was not asked. */
  | { outcome: 'not-found'; older?: true }
  | { outcome: 'forbidden' }
  | { outcome: 'busy'; runId: string };

export type { ConversationSummary };

/** What a conversation has of its own: text for its models, before the thread, and the model that answers where a prompt names none. */
export interface Preset {
  system?: string;
  model?: string;
}

/** The model of a run accepted while no AI pod had told its models: whatever the pod that takes it has first. Every pod is suited. */
export const DEFAULT_MODEL = 'default';

export type { AskEnd, SayDeleted, SayRunning, WorkHint } from '../redis/work-hint.ts';

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
  releaseRun(command: ReleaseRun): Promise<'released' | 'fenced' | 'closed' | 'gone'>;
  restoreRun(command: RestoreRun): Promise<RestoreRunResult>;
  /** Writes an end again as it was, over whoever has claimed the run meanwhile, unless an end of it stands. */
  restoreEnd(command: RestoreEnd): Promise<RestoreEndResult>;
  /** Tells the outbox when pieces came. Best effort: it gives way long before state changes have to. */
  noteTimeline(batch: TimelineBatch): Promise<void>;
  /** Runs that wait: never claimed, released, or with an expired lease. At most `limit`. */
  findFreeRuns(limit: number, seek?: Seek): Promise<FreeRun[]>;
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
