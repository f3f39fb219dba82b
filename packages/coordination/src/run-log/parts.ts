/** The parts of a running answer beside its text. */
import type { Part, PartField, PartState, Usage } from '@runnel/protocol';
import type { OwnedRun, RunRef } from '../run-ref.ts';

/** A part as its owner wants it to stand; its streamed fields are what `appendPartChunk` has brought, and go along for the audit only. */
export interface PutPart extends OwnedRun {
  part: Part;
  /** The state it has; null for a new one, which takes the next index. */
  from: PartState | null;
  /** Bytes of the text at the end of a step of the model, when this ends one: a model that cannot continue begins again there. */
  step?: number;
}
export type PutPartResult =
  | { outcome: 'put'; offset: number }
  /** It stands so already. */
  | { outcome: 'duplicate' }
  /** It stands in another state: somebody decided. Read it again. */
  | { outcome: 'changed' }
  /** The store has less than its owner believes. */
  | { outcome: 'gap' }
  | { outcome: 'cancelled' }
  | { outcome: 'fenced' }
  | { outcome: 'closed' }
  | { outcome: 'gone' };

export interface AppendPartChunk extends OwnedRun {
  partId: string;
  field: PartField;
  /** UTF-8 byte position in the field. */
  at: number;
  text: string;
  t: number;
}

export interface ParkRun extends OwnedRun {
  /** Each waits for a person, or nobody knows what became of it. */
  partIds: readonly string[];
  /** Length of the text. */
  bytes: number;
  /** All of them as their owner has them: a store that has them otherwise has gone back, and answers `gone`. Absent: they are not compared. */
  parts?: readonly Part[];
  /** What the run has cost so far: the next claim is told. */
  usage?: Usage;
  /** Tells the audit, and parks nothing yet: the owner lets go of the run when the database has it. */
  tell?: boolean;
}
/** What a run had cost when it began to wait, and how long its text was then. */
export interface Used {
  usage: Usage;
  bytes: number;
}
export type ParkRunResult =
  | { outcome: 'told' }
  | { outcome: 'parked'; offset: number }
  /** One of them is decided already: go on. */
  | { outcome: 'changed' }
  | { outcome: 'gap'; bytes: number }
  | { outcome: 'cancelled' }
  | { outcome: 'fenced' }
  | { outcome: 'closed' }
  | { outcome: 'gone' };

export type Decision = 'approve' | 'deny' | 'answer' | 'retry' | 'skip';

export interface DecidePart extends RunRef {
  userId: string;
  decision: Decision;
  /** As it was read. */
  expected: Part;
  /** As it becomes. */
  part: Part;
  inputSha256?: string;
}
export type DecidePartResult =
  | { outcome: 'decided'; offset: number }
  /** It is not as it was read: read it again. */
  | { outcome: 'changed' }
  /** The run has ended, or is being cancelled. */
  | { outcome: 'closed' }
  | { outcome: 'gone' }
  | { outcome: 'forbidden' };

/** A part at the end of its run: the state it has now, and as the end leaves it. */
export interface EndingPart {
  from: PartState;
  part: Part;
}
