import { EntitySchema, type ValueTransformer } from 'typeorm';

/** pg gives 64-bit integers as text; ours are times and counts far below 2^53. */
const number: ValueTransformer = { to: (value: unknown) => value, from: (value: unknown) => (value === null ? null : Number(value)) };

const bigint = { type: 'bigint', transformer: number } as const;
const text = { type: 'text' } as const;
const nullable = { nullable: true } as const;

export interface SessionRow {
  conversationId: string;
  userId: string;
  logId: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}
export const Session = new EntitySchema<SessionRow>({
  name: 'chat_session',
  columns: {
    conversationId: { ...text, name: 'conversation_id', primary: true },
    userId: { ...text, name: 'user_id' },
    logId: { ...text, name: 'log_id' },
    title: text,
    createdAt: { ...bigint, name: 'created_at' },
    updatedAt: { ...bigint, name: 'updated_at' },
    deletedAt: { ...bigint, ...nullable, name: 'deleted_at' },
  },
});

export interface MessageRow {
  conversationId: string;
  messageId: string;
  /** Order of creation within the conversation: time, then the event's place. */
  position: number;
  parentId: string | null;
  role: string;
  text: string;
  status: string;
  model: string | null;
  author: string | null;
  createdAt: number;
}
export const MessageEntity = new EntitySchema<MessageRow>({
  name: 'message',
  columns: {
    conversationId: { ...text, name: 'conversation_id', primary: true },
    messageId: { ...text, name: 'message_id', primary: true },
    position: { ...bigint },
    parentId: { ...text, ...nullable, name: 'parent_id' },
    role: text,
    text,
    status: text,
    model: { ...text, ...nullable },
    author: { ...text, ...nullable },
    createdAt: { ...bigint, name: 'created_at' },
  },
});

export interface AuditRow {
  eventId: string;
  time: number;
  conversationId: string;
  logId: string;
  /** Place among the state changes of the log; null for timeline batches. */
  sequence: number | null;
  type: string;
  userId: string | null;
  runId: string | null;
  /** The event's `data`, as JSON. */
  data: string;
  /** Links of the hash chain: null until every earlier event of the log is here. */
  previousHash: string | null;
  hash: string | null;
}
export const AuditLog = new EntitySchema<AuditRow>({
  name: 'audit_log',
  columns: {
    eventId: { ...text, name: 'event_id', primary: true },
    time: bigint,
    conversationId: { ...text, name: 'conversation_id' },
    logId: { ...text, name: 'log_id' },
    sequence: { ...bigint, ...nullable },
    type: text,
    userId: { ...text, ...nullable, name: 'user_id' },
    runId: { ...text, ...nullable, name: 'run_id' },
    data: text,
    previousHash: { ...text, ...nullable, name: 'previous_hash' },
    hash: { ...text, ...nullable },
  },
});
