import type { OwnedRun } from './run-ref.ts';

/** Fields of an outbox entry: one for each state change, written in the script that makes the change (L-2). */
export interface OutboxFields {
  /** `<logId>:a<n>`; `n` counts the state changes of one log without a gap. */
  id: string;
  type: OutboxType | typeof TIMELINE_TYPE;
  conversation: string;
  /** Milliseconds since the epoch by the store's clock, as text. */
  time: string;
  /** JSON of `OutboxData[type]`. */
  data: string;
  /** W3C `traceparent`, or empty. */
  trace: string;
}

/** When pieces of an answer came, for replay. */
export interface TimelineBatch extends OwnedRun {
  userId: string;
  logId: string;
  model: string;
  startedAt: number;
  /** Counts from 0 for each epoch. */
  batch: number;
  /** Byte position of the first piece. */
  at: number;
  /** [offset of the event, ms since the run started, bytes] */
  chunks: readonly (readonly [offset: number, ms: number, bytes: number])[];
}

/** The one type that is no state change; its id is `<logId>:t<runId>.<epoch>.<batch>`. */
export const TIMELINE_TYPE = 'CHUNK_RECEIVED';

/** A timeline batch as an entry. It says nothing of the text. Pure. */
export const timelineFields = (batch: TimelineBatch, now: number): OutboxFields => {
  const { conversationId, logId, ...data } = batch;
  return {
    id: `${logId}:t${batch.runId}.${batch.epoch}.${batch.batch}`,
    type: TIMELINE_TYPE,
    conversation: conversationId,
    time: String(now),
    data: JSON.stringify(data),
    trace: '',
  };
};

/** One entry of a shard's outbox. */
export interface OutboxEntry {
  entryId: string;
  fields: OutboxFields;
}

export const OUTBOX_TYPES = [
  'SESSION_STARTED',
  'CHAT_MESSAGE',
  'STREAM_STARTED',
  'STREAM_COMPLETED',
  'STREAM_CANCELLED',
  'STREAM_ERROR',
  'RECOVERY_ATTEMPT',
  'TITLE_CHANGED',
  'MESSAGE_DELETED',
  'SESSION_DELETED',
] as const;
export type OutboxType = (typeof OUTBOX_TYPES)[number];

/** Entries per shard past which prompts are refused while a relay is registered; trimming begins at twice that. */
export const DEFAULT_OUTBOX_CAP = 20_000;
