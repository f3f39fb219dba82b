import type { Columns } from './sql.ts';

export interface SessionRow {
  conversationId: string;
  userId: string;
  /** Incarnation of the log that spoke last. */
  logId: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  /** 1 after a deletion, until the conversation is made again. */
  deleted: number;
  /** Last deletion: what was said before it, or in that log, and arrives late is dropped. */
  deletedAt: number | null;
  deletedLogId: string | null;
}
export const SESSION: Columns<SessionRow> = {
  conversationId: ['conversation_id', 'text'],
  userId: ['user_id', 'text'],
  logId: ['log_id', 'text'],
  title: ['title', 'text'],
  createdAt: ['created_at', 'bigint'],
  updatedAt: ['updated_at', 'bigint'],
  deleted: ['deleted', 'bigint'],
  deletedAt: ['deleted_at', 'bigint'],
  deletedLogId: ['deleted_log_id', 'text'],
};

export interface MessageRow {
  conversationId: string;
  messageId: string;
  userId: string;
  /** Order of creation within the conversation: time, then the event's place. */
  position: number;
  parentId: string | null;
  /** Empty: only the deletion is known so far. */
  role: string;
  text: string;
  status: string;
  /** How the model stopped; null for what a person wrote, what was stopped, and what older pods wrote. */
  finish: string | null;
  model: string | null;
  author: string | null;
  createdAt: number;
  /** JSON of the receipt of a whole answer; null for everything else, and for what older pods wrote. */
  receipt: string | null;
}
export const MESSAGE: Columns<MessageRow> = {
  conversationId: ['conversation_id', 'text'],
  messageId: ['message_id', 'text'],
  userId: ['user_id', 'text'],
  position: ['position', 'bigint'],
  parentId: ['parent_id', 'text'],
  role: ['role', 'text'],
  text: ['text', 'text'],
  status: ['status', 'text'],
  finish: ['finish', 'text'],
  model: ['model', 'text'],
  author: ['author', 'text'],
  createdAt: ['created_at', 'bigint'],
  receipt: ['receipt', 'text'],
};
/** With the words that PostgreSQL searches; SQLite keeps them in a table of their own. */
export const SEARCHED: Columns<MessageRow & { search: string }> = { ...MESSAGE, search: ['search', 'tsvector'] };

/** A part of an answer, whole: its `body` is JSON with all of its content. */
export interface PartRow {
  conversationId: string;
  runId: string;
  partId: string;
  /** Place within the message. */
  ordinal: number;
  userId: string;
  position: number;
  state: string;
  body: string;
}
export const PART: Columns<PartRow> = {
  conversationId: ['conversation_id', 'text'],
  runId: ['run_id', 'text'],
  partId: ['part_id', 'text'],
  ordinal: ['ordinal', 'bigint'],
  userId: ['user_id', 'text'],
  position: ['position', 'bigint'],
  state: ['state', 'text'],
  body: ['body', 'text'],
};

/** An answer that began to wait for a person, until its end: what another store needs to go on with it. `body` is JSON with its text. */
export interface ParkedRow {
  conversationId: string;
  runId: string;
  userId: string;
  position: number;
  epoch: number;
  body: string;
}
export const PARKED: Columns<ParkedRow> = {
  conversationId: ['conversation_id', 'text'],
  runId: ['run_id', 'text'],
  userId: ['user_id', 'text'],
  position: ['position', 'bigint'],
  epoch: ['epoch', 'bigint'],
  body: ['body', 'text'],
};

/** What a conversation has of its own for models; null: not said, as far as this row knows; empty: taken away. */
export interface PresetRow {
  conversationId: string;
  userId: string;
  position: number;
  system: string | null;
  model: string | null;
}
export const PRESET: Columns<PresetRow> = {
  conversationId: ['conversation_id', 'text'],
  userId: ['user_id', 'text'],
  position: ['position', 'bigint'],
  system: ['system', 'text'],
  model: ['model', 'text'],
};

/** Something a person has set; `fields`: JSON, null where it was taken away. */
export interface RecordRow {
  userId: string;
  kind: string;
  name: string;
  version: number;
  fields: string | null;
}
export const RECORD: Columns<RecordRow> = {
  userId: ['user_id', 'text'],
  kind: ['kind', 'text'],
  name: ['name', 'text'],
  version: ['version', 'bigint'],
  fields: ['fields', 'text'],
};

export interface AuditRow {
  eventId: string;
  time: number;
  conversationId: string;
  logId: string;
  /** Place among the state changes of the log. */
  sequence: number;
  type: string;
  userId: string | null;
  runId: string | null;
  /** The event's `data` as JSON, with each text replaced by its length and digest: texts stand in `message` only. */
  data: string;
}
export const AUDIT: Columns<AuditRow> = {
  eventId: ['event_id', 'text'],
  time: ['time', 'bigint'],
  conversationId: ['conversation_id', 'text'],
  logId: ['log_id', 'text'],
  sequence: ['sequence', 'bigint'],
  type: ['type', 'text'],
  userId: ['user_id', 'text'],
  runId: ['run_id', 'text'],
  data: ['data', 'text'],
};

export interface LinkRow {
  logId: string;
  sequence: number;
  eventId: string;
  hash: string;
}
export const LINK: Columns<LinkRow> = {
  logId: ['log_id', 'text'],
  sequence: ['sequence', 'bigint'],
  eventId: ['event_id', 'text'],
  hash: ['hash', 'text'],
};

/** How far each log is here. */
export interface HeadRow {
  logId: string;
  conversationId: string;
  /** Newest link; every event up to here is stored. 0: none yet, with `CHAIN_START` for a hash. */
  sequence: number;
  hash: string;
  /** Highest event stored; those between `sequence` and this one wait for a hole to be filled. */
  seen: number;
}
export const HEAD: Columns<HeadRow> = {
  logId: ['log_id', 'text'],
  conversationId: ['conversation_id', 'text'],
  sequence: ['sequence', 'bigint'],
  hash: ['hash', 'text'],
  seen: ['seen', 'bigint'],
};

/** Up to where retention removed a log's events. */
export interface CutRow {
  logId: string;
  sequence: number;
}
export const CUT: Columns<CutRow> = {
  logId: ['log_id', 'text'],
  sequence: ['sequence', 'bigint'],
};

/** Somebody of whom the trail tells, by a pseudonym. */
export interface PersonRow {
  pseudonym: string;
  /** Null once erased, as the key. */
  userId: string | null;
  key: string | null;
  /** The last deletion of what was theirs, ms; null: not erased. */
  erasedAt: number | null;
  /** By which late events of an erased person are known, for as long as there can be any. */
  digest: string | null;
}
export const PERSON: Columns<PersonRow> = {
  pseudonym: ['pseudonym', 'text'],
  userId: ['user_id', 'text'],
  key: ['key', 'text'],
  erasedAt: ['erased_at', 'bigint'],
  digest: ['digest', 'text'],
};

/** A linked row of the trail that lost its person's id afterwards. */
export interface RedactedRow {
  logId: string;
  sequence: number;
  /** Place of the event in the admins' log that tells of it. */
  act: number;
  /** Of its link and of what it is now. */
  hash: string;
}
export const REDACTED: Columns<RedactedRow> = {
  logId: ['log_id', 'text'],
  sequence: ['sequence', 'bigint'],
  act: ['act', 'bigint'],
  hash: ['hash', 'text'],
};

/** One run as the statistics see it; no text, no user. */
export interface RunRow {
  conversationId: string;
  runId: string;
  model: string;
  startedAt: number;
  firstMs: number | null;
  endedAt: number | null;
  reason: string | null;
  finish: string | null;
  /** Highest epoch seen: one less is the number of takeovers. */
  epoch: number;
  inputTokens: number | null;
  outputTokens: number | null;
}
export const RUN: Columns<RunRow> = {
  conversationId: ['conversation_id', 'text'],
  runId: ['run_id', 'text'],
  model: ['model', 'text'],
  startedAt: ['started_at', 'bigint'],
  firstMs: ['first_ms', 'bigint'],
  endedAt: ['ended_at', 'bigint'],
  reason: ['reason', 'text'],
  finish: ['finish', 'text'],
  epoch: ['epoch', 'bigint'],
  inputTokens: ['input_tokens', 'bigint'],
  outputTokens: ['output_tokens', 'bigint'],
};

/** A row as a driver gives it (64-bit integers may be text), by property. */
export const rowOf = <Row extends object>(columns: Columns<Row>, found: Record<string, unknown>): Row => {
  const row: Partial<Row> = {};
  for (const [key, [name, type]] of Object.entries(columns) as [keyof Row, readonly [string, string]][]) {
    const value = found[name];
    row[key] = (value === null || value === undefined ? null : type === 'bigint' ? Number(value) : value) as Row[keyof Row];
  }
  return row as Row;
};
