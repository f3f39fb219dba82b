/** What it takes to write one claimed run, and what its worker holds while it is written. `generate.ts` does it. */
import type { ClaimRunResult, RunLog, RunRef } from '@runnel/coordination';
import type { FileReader } from '@runnel/files';
import type { EndReason, Finish, Part, RunnelError } from '@runnel/protocol';
import type { Model } from '../models/registry.ts';
import type { Stored } from '../parking/stored-waits.ts';
import type { TellCall } from '../parking/told-calls.ts';
import type { Clock } from '../runs/clock.ts';
import type { EndedRun } from '../runs/ended-runs.ts';
import type { CallSpan, Toolbox } from '../tools/toolbox.ts';
import type { AppendObserver } from './run-text.ts';
import type { Verdict } from './verdict.ts';

export type Claim = Extract<ClaimRunResult, { outcome: 'claimed' }> & {
  /** As the database has it, behind a store that changed: it may have ended since, so what was being called is not called again unasked. */
  recalled?: true;
  /** More is known of it than could be written to its store: nothing is said or called on the word of that store alone. */
  behind?: true;
};

/** How a run left this pod: ended for good, handed back (drain), waiting for a person, given to another model, taken by somebody else, left to its lease, or lost by a bug. */
export type RunResult = EndReason | 'released' | 'parked' | 'rerouted' | 'fenced' | 'given-up' | 'lost';

/** Another pod goes on with it. */
export const HANDED_ON: ReadonlySet<RunResult> = new Set(['released', 'fenced', 'given-up']);

/** Why a run must stop: a cancel is wanted, the pod drains (with others to go on, or as the only one), or it is no longer ours. */
export type StopReason = 'release' | 'interrupt' | Verdict;

export interface RunObserver extends AppendObserver {
  /** Milliseconds from opening the model to its first text. */
  firstToken?(ms: number): void;
  /** Milliseconds the model's next text took. */
  token?(waitedMs: number): void;
  failed?(error: RunnelError): void;
  /** Another model is to answer in the place of the one that failed. */
  rerouted?(error: RunnelError, to: string): void;
  /** The answer was stopped at `maxAnswerBytes`. */
  cut?(): void;
  /** A bug of ours took the run from us. */
  lost?(error: unknown): void;
  /** The run's end stands in the log, at this offset. */
  ended?(offset: number, finish?: Finish): void;
  /** A call of a tool is sent. */
  calling?(part: Part): CallSpan;
  /** The end as it was written, by this pod or for it. */
  known?(end: EndedRun): void;
}

export interface RunJob {
  ref: RunRef;
  claim: Claim;
  model: Model;
  /** W3C `traceparent` that the model's provider is told. */
  trace?: string | undefined;
  owner: string;
  leaseMs: number;
  runLog: Pick<RunLog, 'appendChunk' | 'putPart' | 'appendPartChunk' | 'parkRun' | 'readState' | 'endRun' | 'releaseRun' | 'restoreRun'>;
  /** UTF-8 bytes that the answer may grow to; a model that goes on is stopped there, and the answer is `complete` with finish `length`. */
  maxAnswerBytes?: number | undefined;
  /** What the model may use; absent: nothing. */
  tools?: Toolbox | undefined;
  /** Requests to the model in one answer. */
  maxSteps?: number | undefined;
  /** Where files that came with questions are read; null: there are none. */
  files?: FileReader | null;
  /** Asks until the database has what a run waits for; absent: there is none to ask. */
  stored?: Stored | undefined;
  /** Tells the database of a call that a person approved, before it is made; absent: there is none to tell. */
  tellCall?: TellCall | undefined;
  /** Until when the lease surely holds, by the clock's `now`. */
  leaseUntil?: () => number;
  /** Gives an answer that has not begun to another model; false: there is none, the failure stands. */
  fallBack?(error: RunnelError): Promise<boolean>;
  /** Aborts when the process must end: nothing waits for the store any longer. */
  giveUp: AbortSignal;
  observe?: RunObserver;
  clock?: Clock;
  random?: () => number;
}

export interface ActiveRun {
  /** Only the first reason counts. */
  stop(reason: StopReason): void;
  /** Somebody decided about a part: a hint, the store alone knows. */
  decided(): void;
  /** The store has lost the run: said by a renewal that was sent at `askedAt` (the clock's `now`). */
  restore(askedAt: number): void;
  /** A message above the answer was deleted, or without an id the whole conversation: nothing of it is written again. */
  withhold(messageId?: string): void;
  /** All of the answer that the model has said so far. */
  text(): string;
  /** Its parts as they stand, as far as this pod has heard. A call is made only after it stands as being made. */
  parts(): readonly Part[];
  readonly done: Promise<RunResult>;
}
