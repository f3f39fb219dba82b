import type { ConversationState } from '@runnel/protocol';
import type { Problem } from '../api/errors.ts';

/**
 * `queued`: waits for a connection, or for the run in front of it. `sending`: waits for the server's `ok`.
 * `sent`: accepted; its `message` event is on the way. `failed`: `retry()` or `discard()` it.
 */
export type PendingStatus = 'queued' | 'sending' | 'sent' | 'failed';

/** A prompt the log has not shown yet, as the page shows it meanwhile. */
export interface PendingPrompt {
  messageId: string;
  conversationId: string;
  /** Of the answer it asks for. */
  runId: string;
  text: string;
  /** Absent: after the newest message. */
  parentId?: string | null;
  model?: string;
  status: PendingStatus;
  error: Problem | null;
  /** `sent`: of the `run-started` event it led to. */
  offset?: number;
  /** Milliseconds, this device's clock. */
  createdAt: number;
}

/**
 * Whether a conversation at this offset has taken the prompt over: it holds the message, or it has passed the place where the
 * message stood (far back, when many others came after it).
 */
export const isShown = (prompt: PendingPrompt, conversation: ConversationState): boolean =>
  conversation.messages.some((m) => m.messageId === prompt.messageId) ||
  (prompt.status === 'sent' && prompt.offset !== undefined && prompt.offset <= conversation.offset);

/** The prompts that still stand for themselves; the same array when all do, so that views change only when they must. */
export const withoutShown = (pending: readonly PendingPrompt[], conversation: ConversationState): readonly PendingPrompt[] => {
  const left = pending.filter((prompt) => !isShown(prompt, conversation));
  return left.length === pending.length ? pending : left;
};
