import { createHash } from 'node:crypto';
import type { LiveEvent, LogEvent, Message, SnapshotEvent } from '@runnel/protocol';

/** What a gateway sends of conversation `c1`, whose log is `l1` and whose answer is `a1` unless said otherwise. */
const conversationId = 'c1';

export const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

export const message = (messageId: string, text = messageId): Message => ({
  messageId,
  parentId: null,
  role: 'user',
  text,
  status: 'complete',
  createdAt: 0,
});

/** Empty, at the beginning of the log. */
export const snapshot = (change: Partial<SnapshotEvent> = {}): SnapshotEvent => ({
  type: 'snapshot',
  conversationId,
  logId: 'l1',
  offset: 0,
  title: '',
  messages: [],
  run: null,
  hasMore: false,
  ...change,
});

export const live = (offset: number, logId: string | null = 'l1'): LiveEvent => ({ type: 'live', conversationId, logId, offset });

export const shown = (offset: number, messageId: string): LogEvent => ({
  type: 'message',
  conversationId,
  offset,
  message: message(messageId),
});

export const started = (offset: number, runId = 'a1'): LogEvent => ({
  type: 'run-started',
  conversationId,
  offset,
  runId,
  parentId: 'u1',
  model: 'm',
  epoch: 1,
  startedAt: 0,
});

export const chunk = (offset: number, at: number, text: string, from?: number): LogEvent => ({
  type: 'chunk',
  conversationId,
  offset,
  runId: 'a1',
  at,
  t: 0,
  text,
  ...(from !== undefined && { from }),
});

/** `text` is ASCII: its length is its bytes. */
export const ended = (offset: number, text: string, change: { bytes?: number; runId?: string } = {}): LogEvent => ({
  type: 'run-ended',
  conversationId,
  offset,
  runId: 'a1',
  reason: 'complete',
  bytes: text.length,
  sha256: sha(text),
  endedAt: 0,
  ...change,
});
