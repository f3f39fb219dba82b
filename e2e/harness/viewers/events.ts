/**
 * The server events as PROTOCOL.md describes them, written down a second time on purpose: a mistake in the shared types
 * must not hide itself in the test that should find it.
 */
export interface Message {
  messageId: string;
  parentId: string | null;
  role: 'user' | 'assistant' | 'system';
  text: string;
  status: string;
}
export interface Chunk {
  type: 'chunk';
  runId: string;
  at: number;
  text: string;
  t: number;
}
export interface RunEnded {
  type: 'run-ended';
  runId: string;
  reason: 'complete' | 'cancelled' | 'failed' | 'interrupted';
  bytes: number;
  sha256: string;
  error?: { code: string; message: string };
  cancel?: { requestedAt: number; stoppedAt: number };
}
type LogBody =
  | { type: 'message'; message: Message }
  | { type: 'message-deleted'; messageId: string }
  | { type: 'run-started'; runId: string; parentId: string | null; epoch: number; model?: string; requestedModel?: string }
  | Chunk
  | { type: 'run-moved'; runId: string; epoch: number; bytes: number; restarted: boolean }
  | RunEnded
  | { type: 'title'; title: string };
export type LogEvent = LogBody & { conversationId: string; offset: number; from?: number; logId?: string };

export interface Snapshot {
  type: 'snapshot';
  conversationId: string;
  logId: string | null;
  offset: number;
  title: string;
  messages: Message[];
  run: { runId: string; parentId: string | null; epoch: number; text: string; model?: string } | null;
  hasMore: boolean;
}
export interface Live {
  type: 'live';
  conversationId: string;
  logId: string | null;
  offset: number;
}
export interface Answer {
  type: 'ok' | 'error';
  id?: string | number;
  runId?: string;
  offset?: number;
  duplicate?: boolean;
  outcome?: 'cancelling' | 'already-ended';
  code?: string;
  message?: string;
  retryable?: boolean;
  retryAfterMs?: number;
}
export type ConversationEvent = LogEvent | Snapshot | Live;
export type ServerFrame =
  | ConversationEvent
  | Answer
  | { type: 'welcome'; protocol: number; node: string; userId: string }
  | { type: 'draining'; reconnectInMs: number }
  | { type: 'typing' | 'presence' | 'queued-run'; conversationId: string }
  | { type: 'pong'; t?: number };

const OF_A_CONVERSATION = new Set([
  'snapshot',
  'live',
  'message',
  'message-deleted',
  'run-started',
  'chunk',
  'run-moved',
  'run-ended',
  'title',
] satisfies ConversationEvent['type'][]) as ReadonlySet<string>;

/** What a screen is made of. Clients skip events of types they do not know, but an offset counts, whatever carries it. */
export const isOfTheConversation = (event: ServerFrame): event is ConversationEvent =>
  OF_A_CONVERSATION.has(event.type) || (event.type !== 'ok' && 'offset' in event);
