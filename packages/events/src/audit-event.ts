import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/** What happened, in the words of the first system where it had one. */
export const EVENT_TYPES = [
  'SESSION_STARTED',
  'CHAT_MESSAGE',
  'STREAM_STARTED',
  'CHUNK_RECEIVED',
  'STREAM_COMPLETED',
  'STREAM_CANCELLED',
  'STREAM_ERROR',
  'RECOVERY_ATTEMPT',
  'TITLE_CHANGED',
  'MESSAGE_DELETED',
  'SESSION_DELETED',
  'ADMIN_READ',
  'USER_ERASED',
  'USER_FORGOTTEN',
  'TRAIL_CUT',
] as const;
export type AuditEventType = (typeof EVENT_TYPES)[number];

/**
 * An audit event: CloudEvents 1.0 in JSON, with the W3C trace context as its extension attribute.
 * `id` is `<logId>:a<n>`: unique, and `n` counts the state changes of one log without a gap, so that a reader can tell
 * what is missing, doubled or out of order. Timeline batches (CHUNK_RECEIVED) are best effort and count apart: `<logId>:t…`.
 */
export const AuditEvent = Type.Object({
  specversion: Type.Literal('1.0'),
  id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}:[at][A-Za-z0-9_.-]{1,100}$' }),
  source: Type.String(),
  // A union made from a list has no type of its own.
  type: Type.Unsafe<AuditEventType>(Type.Union(EVENT_TYPES.map((word) => Type.Literal(word)))),
  /** The conversation: also Kafka's key. */
  subject: Type.String({ minLength: 1, maxLength: 64 }),
  /** RFC 3339, by Redis's clock. */
  time: Type.String(),
  datacontenttype: Type.Literal('application/json'),
  /** Version of `data`'s shape for this type. */
  dataversion: Type.Integer(),
  traceparent: Type.Optional(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type AuditEvent = Static<typeof AuditEvent>;

const checker = Compile(AuditEvent);

/** Fields of an outbox entry (`events:{shard}`), as the Lua scripts write them. */
export interface OutboxFields {
  id: string;
  type: string;
  conversation: string;
  /** Milliseconds since the epoch, as text. */
  time: string;
  data: string;
  trace?: string;
}

/** The envelope of an outbox entry. Throws when the entry is not one of ours: it then goes to the dead letters as it is. */
export const fromOutbox = (fields: OutboxFields): AuditEvent =>
  checked({
    specversion: '1.0',
    id: fields.id,
    source: '/runnel',
    type: fields.type,
    subject: fields.conversation,
    time: new Date(Number(fields.time)).toISOString(),
    datacontenttype: 'application/json',
    dataversion: 1,
    ...(fields.trace && { traceparent: fields.trace }),
    data: JSON.parse(fields.data) as Record<string, unknown>,
  });

/** Reads an event off the wire. Throws a sentence that says what is wrong: the reason a dead letter carries. */
export const decodeEvent = (bytes: Uint8Array): AuditEvent => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error('not JSON in UTF-8', { cause });
  }
  return checked(value);
};

const checked = (value: unknown): AuditEvent => {
  if (checker.Check(value)) return value;
  const [first] = checker.Errors(value);
  throw new Error(first ? `${first.instancePath || 'event'} ${first.message}` : 'not an audit event');
};

/** The place of an event among the state changes of its log; null for timeline batches. */
export const sequenceOf = (event: Pick<AuditEvent, 'id'>): { logId: string; sequence: number } | null => {
  const match = /^(.+):a(\d+)$/.exec(event.id);
  return match && { logId: match[1]!, sequence: Number(match[2]) };
};

/** Topics by what happened: the conversation's own story, and the life of its answers. */
export const CHAT_TOPIC = 'chat-events';
export const STREAM_TOPIC = 'stream-events';
export const DEAD_LETTER_TOPIC = 'runnel-dead-letters';

const CHAT_TYPES: ReadonlySet<string> = new Set<AuditEventType>([
  'SESSION_STARTED',
  'CHAT_MESSAGE',
  'TITLE_CHANGED',
  'MESSAGE_DELETED',
  'SESSION_DELETED',
]);

export const topicOf = (type: AuditEventType): string => (CHAT_TYPES.has(type) ? CHAT_TOPIC : STREAM_TOPIC);
