import type { Cursor, Message } from '@runnel/protocol';
import type { LogEntry } from '../run-log/run-log.ts';

export interface MemoryConversation {
  conversationId: string;
  userId: string;
  logId: string;
  offset: number;
  auditSequence: number;
  title: string;
  /** That is from when a run began, and the database may know a newer one. */
  untitled?: boolean;
  /** Who called it so: a person, or a model by these messages. Absent: its first words. */
  titled?: 'person' | { madeOf: readonly string[]; title: string };
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
  /** Somebody chose that model for it. */
  preset?: boolean;
  /** Made while the database could not be asked whose the id is. */
  unproven: boolean;
  /** Of the store, when its log began. */
  generation: number;
  /** When its log was renamed, for the store had changed; null: it lacks nothing that the database could have. */
  lossy: number | null;
  /** Where the log stood then. */
  before: Cursor | null;
  /** When it was used last: what is not for a day is forgotten. */
  touchedAt: number;
  /** What its person's list says. */
  changedAt: number;
}
