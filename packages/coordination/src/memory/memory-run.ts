import type { Message, MessageStatus, Part, Trimmed } from '@runnel/protocol';
import type { CancelRequest } from '../run-log/run-log.ts';
import type { Used } from '../run-log/parts.ts';

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
  /** By index, with what is streamed of them. */
  parts: Part[];
  /** Bytes of the text at the end of a step of the model. */
  step: number;
  /** Parts it waits for, held by nobody; null: it does not wait. */
  waiting: readonly string[] | null;
  /** 0: never claimed. */
  epoch: number;
  /** Who claimed it, in order; absent of none, and in a copy that an older release wrote. */
  nodes?: string[];
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
  used?: Used;
  /** What the audit was told that it is about to wait for, and by whom. */
  told?: string | undefined;
  /** The database's copy of it, until it is claimed: the highest epoch that is known there, and since when it is here. */
  copied?: { claims: number; at: number } | undefined;
  trimmed?: Trimmed | undefined;
  /** What was asked for, where another model answers. */
  requestedModel?: string;
  /** Turns above it that are older than what is kept here, until it ends. */
  thread?: readonly Message[] | undefined;
}
