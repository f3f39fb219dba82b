import type { RunRef } from './run-ref.ts';

export interface ReserveRun extends RunRef {
  userId: string;
  /** Runs of this person at a time, waiting ones included. */
  limit: number;
  /** Runs that have been seen to be over: their places are free. */
  drop?: readonly RunRef[];
}
/** A run that holds a place. */
export interface HeldRun extends RunRef {
  ageMs: number;
}
export type ReserveRunResult =
  | { outcome: 'reserved' }
  /** This run has its place already. */
  | { outcome: 'kept' }
  | { outcome: 'full'; held: HeldRun[] };

export interface FindRun {
  conversationId: string;
  userId: string;
  /** Null: asks for the run alone. */
  messageId: string | null;
  runId: string;
}
export type FindRunResult =
  | { outcome: 'running'; runId: string; offset: number }
  | { outcome: 'ended'; runId: string; offset: number }
  | { outcome: 'none' }
  | { outcome: 'forbidden' };

export type SpendResult = { outcome: 'spent'; total: number } | { outcome: 'over'; retryAfterMs: number };

/** What gateways hold for a person: each kind has a limit of its own. */
export type ShareKind = 'sockets' | 'follows' | 'replays';
export interface HoldShare {
  userId: string;
  kind: ShareKind;
  /** The gateway, by a name of this process. */
  holder: string;
  /** All that this gateway holds, or wants to: 0 gives everything back. */
  wanted: number;
  limit: number;
  /** Gateways that live, by `noteHolder`. */
  holders: readonly string[];
}

export interface KeepPlaces {
  model: string;
  /** Runs of the model at a time, over all pods. */
  limit: number;
  /** How long a place is kept that nobody asks for again. */
  leaseMs: number;
  take: readonly RunRef[];
  drop: readonly RunRef[];
}

/** What the store counts for each person, over all gateways. Every method is safe to repeat. */
export interface StoreBudgets {
  /** Takes one of a person's places for runs. */
  reserveRun(command: ReserveRun): Promise<ReserveRunResult>;
  /** Gives places back without taking one. */
  freeRuns(userId: string, runs: readonly RunRef[]): Promise<void>;
  /** The run that these ids made before (W-4), and whether it still runs. */
  findRun(query: FindRun): Promise<FindRunResult>;
  /** Counts bytes written by a person today (UTC); below 0 gives back. Limit 0 only counts, where the day is counted already. */
  spendBytes(userId: string, bytes: number, limit: number): Promise<SpendResult>;
  /** Resolves to how many this gateway may hold, at most as many as it wants. */
  holdShare(command: HoldShare): Promise<number>;
  /** Everything that is kept by the person's name goes: what is counted, and the list of their conversations. They begin anew. */
  forgetPerson(userId: string): Promise<void>;
  /** A model's places for runs: takes some, keeps those that this pod has, gives others back. Resolves to `runKey` of those that have one. */
  keepPlaces(command: KeepPlaces): Promise<ReadonlySet<string>>;
  /** Says that a gateway lives, for so long; resolves to all that do. */
  noteHolder(holder: string, leaseMs: number): Promise<string[]>;
}
