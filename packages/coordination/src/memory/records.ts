import type { Cursor, Message, MessageStatus, Trimmed } from '@runnel/protocol';
import type { CancelRequest, LogEntry } from '../run-log.ts';

export interface MemoryRun {
  conversationId: string;
  runId: string;
  status: 'running' | 'deleted' | MessageStatus;
  parentId: string | null;
  model: string;
  startedAt: number;
  trace: string;
  /** As in `BeginRun`, until it ends. */
  request?: string | undefined;
  text: string;
  /** UTF-8 length of `text`. */
  bytes: number;
  /** 0: never claimed. */
  epoch: number;
  /** Null: nobody holds the epoch (never claimed, or released). */
  owner: string | null;
  expires: number;
  /** How long its lease is: it cannot end further away. */
  leaseMs: number;
  /** Claims that no release gave back. */
  tries: number;
  cancel: CancelRequest | null;
  /** When it began to wait for an owner; null while one holds it. */
  queuedAt: number | null;
  /** Bytes of its text that came from the answer it continues. */
  base?: number;
  trimmed?: Trimmed;
}

export interface MemoryConversation {
  conversationId: string;
  userId: string;
  logId: string;
  offset: number;
  auditSequence: number;
  title: string;
  createdAt: number;
  leaf: string | null;
  active: string | null;
  /** In order of creation. */
  messages: Map<string, Message>;
  /** messageId or runId → the run it made. */
  ids: Map<string, { runId: string; offset: number }>;
  log: LogEntry[];
  trimmed: boolean;
  /** Its own text for the model, and its own model. */
  system?: string;
  model?: string;
  /** Made while the database could not be asked whose the id is. */
  unproven: boolean;
  /** Of the store, when its log began. */
  generation: number;
  /** When its log was renamed, for the store had changed; null: it lacks nothing that the database could have. */
  lossy: number | null;
  /** Where the log stood then. */
  before: Cursor | null;
  touchedAt: number;
}
