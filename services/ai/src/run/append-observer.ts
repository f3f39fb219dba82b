import type { AppendChunkResult, RestoreRunResult } from '@runnel/coordination';
import type { Piece } from './run-text.ts';

/** What an append loop tells of its way to the store. */
export interface AppendObserver {
  /** `offset`: of the event, when it is a new one. */
  appended?(outcome: AppendChunkResult['outcome'], ms: number, piece: Piece, offset?: number): void;
  /** So many bytes of a part, or of what is streamed of it, are in the store. */
  partWritten?(bytes: number): void;
  restored?(outcome: RestoreRunResult['outcome']): void;
  /** The store did not answer, for the first time in a row. */
  troubled?(error: unknown): void;
}
