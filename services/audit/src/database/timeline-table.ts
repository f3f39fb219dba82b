import type { Columns } from './sql.ts';

/** A part of a run's timeline: the batches `batch` to `last` of one epoch. */
export interface TimelineRow {
  conversationId: string;
  runId: string;
  epoch: number;
  batch: number;
  startedAt: number;
  /** Byte the first chunk stands at. */
  at: number;
  /** JSON: [[offset, ms since startedAt, bytes], …]; empty where `packed` has them. */
  chunks: string;
  /** The same in two characters each (`pack-timeline.ts`); null in rows of 0.1.0, which hold one batch. */
  packed: string | null;
  last: number | null;
}
export const TIMELINE: Columns<TimelineRow> = {
  conversationId: ['conversation_id', 'text'],
  runId: ['run_id', 'text'],
  epoch: ['epoch', 'bigint'],
  batch: ['batch', 'bigint'],
  startedAt: ['started_at', 'bigint'],
  at: ['at', 'bigint'],
  chunks: ['chunks', 'text'],
  packed: ['packed', 'text'],
  last: ['last_batch', 'bigint'],
};
