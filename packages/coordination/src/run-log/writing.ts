/** How a run is written, by its owners and by who cancels it: claim, append, end. */
import type { EndReason, Finish, Part, RunError, Usage } from '@runnel/protocol';
import type { OwnedRun, RunRef } from '../run-ref.ts';
import type { EndingPart, Used } from './parts.ts';
import type { RunFacts, StoredMessage } from './stored.ts';

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

export interface ReleaseRun extends OwnedRun {
  /** What its owner has written, so that a store which has gone back does not hand on less. Absent: it is not compared. */
  standing?: { bytes: number; parts: readonly Part[] };
}
/** `gap`: the store has not what its owner wrote; nothing was released. */
export type ReleaseOutcome = 'released' | 'gap' | 'fenced' | 'closed' | 'gone';
