/** Fields of an outbox entry: one for each state change, written in the script that makes the change (L-2). */
export interface OutboxFields {
  /** `<logId>:a<n>`; `n` counts the state changes of one log without a gap. */
  id: string;
  type: OutboxType;
  conversation: string;
  /** Milliseconds since the epoch by the store's clock, as text. */
  time: string;
  /** JSON of `OutboxData[type]`. */
  data: string;
  /** W3C `traceparent`, or empty. */
  trace: string;
}

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
