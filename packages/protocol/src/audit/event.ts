import { Type, type Static } from 'typebox';
import { AUDIT_DATA, type AuditData, type AuditEventType } from './data.ts';

/** Version of every type's `data`. A reader refuses one that it does not know, with the number as the reason. */
export const DATA_VERSION = 1;

const envelope = {
  specversion: Type.Literal('1.0'),
  id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}:[at][A-Za-z0-9_.-]{1,100}$' }),
  source: Type.String(),
  /** The conversation: also Kafka's key. */
  subject: Type.String({ minLength: 1, maxLength: 64 }),
  time: Type.String({ description: 'RFC 3339, by Redis’s clock' }),
  datacontenttype: Type.Literal('application/json'),
  dataversion: Type.Literal(DATA_VERSION),
  traceparent: Type.Optional(Type.String({ description: 'W3C trace context' })),
};

/** What all events have in common; `type` and `data` are looked at after it. */
export const Envelope = Type.Object({ ...envelope, type: Type.String(), data: Type.Object({}) });

/** The schema of one type's event. */
export const auditEventOf = (type: AuditEventType) => Type.Object({ ...envelope, type: Type.Literal(type), data: AUDIT_DATA[type] });

type Shared = Omit<Static<typeof Envelope>, 'type' | 'data'>;
export type AuditEventOf<T extends AuditEventType> = Shared & { type: T; data: AuditData[T] };

/**
 * An audit event: CloudEvents 1.0 in JSON, with the W3C trace context as its extension attribute.
 * `id` is `<logId>:a<n>`: unique, and `n` counts the state changes of one log without a gap, so that a reader can tell
 * what is missing, doubled or out of order. Timeline batches (CHUNK_RECEIVED) are best effort and count apart: `<logId>:t…`.
 */
export type AuditEvent = { [T in AuditEventType]: AuditEventOf<T> }[AuditEventType];

type Ends = 'STREAM_COMPLETED' | 'STREAM_CANCELLED' | 'STREAM_ERROR';

/** Whether an event is the end of a run. */
export const isEnd = (event: AuditEvent): event is AuditEventOf<Ends> & AuditEvent =>
  event.type === 'STREAM_COMPLETED' || event.type === 'STREAM_CANCELLED' || event.type === 'STREAM_ERROR';

/** Fields of an outbox entry (`events:{shard}`): one for each state change, written in the script that makes the change (L-2). */
export interface OutboxFields {
  /** `<logId>:a<n>`; `n` counts the state changes of one log without a gap. */
  id: string;
  type: string;
  conversation: string;
  /** Milliseconds since the epoch by the store's clock, as text. */
  time: string;
  /** JSON of `AuditData[type]`. */
  data: string;
  /** W3C `traceparent`, or empty. */
  trace?: string;
}

/** One entry of an outbox: its place in the stream and its fields. */
export interface OutboxEntry {
  entryId: string;
  fields: OutboxFields;
}

/** Topics by what happened: the conversation's own story, and the life of its answers. */
export const CHAT_TOPIC = 'chat-events';
export const STREAM_TOPIC = 'stream-events';
/** Where what cannot be stored waits for a person. */
export const DEAD_LETTER_TOPIC = 'runnel-dead-letters';

const CHAT_TYPES: ReadonlySet<string> = new Set<AuditEventType>([
  'SESSION_STARTED',
  'CHAT_MESSAGE',
  'TITLE_CHANGED',
  'PRESET_CHANGED',
  'RECORD_CHANGED',
  'MESSAGE_DELETED',
  'SESSION_DELETED',
]);

export const topicOf = (type: AuditEventType): string => (CHAT_TYPES.has(type) ? CHAT_TOPIC : STREAM_TOPIC);
