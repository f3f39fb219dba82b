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
  /** Uploaded files that go with it. */
  files?: readonly string[];
  status: PendingStatus;
  error: Problem | null;
  /** `sent`: of the `run-started` event it led to. */
  offset?: number;
  /** The log in which it was missed and for which it goes out once more. */
  again?: string;
  /** Milliseconds, this device's clock. */
  createdAt: number;
}

/**
 * What a conversation says of a prompt of its own:
 * - `shown`: it holds the message. `passed`: the message stood further back than what is held.
 * - `lost`: the server accepted it, and the log is past its place without it: the store forgot it.
 * - `open`: none of that yet.
 */
export type Fate = 'shown' | 'passed' | 'lost' | 'open';

const holds = ({ messages }: ConversationState, messageId: string): boolean =>
  messages.findLast((m) => m.messageId === messageId) !== undefined;

export const fateOf = (prompt: PendingPrompt, conversation: ConversationState): Fate => {
  const { logId, offset, hasMore } = conversation;
  // On its way for the second time, because its question is there and nobody answers it.
  const goesAgain = prompt.again === logId && (prompt.status === 'queued' || prompt.status === 'sending');
  if (holds(conversation, prompt.messageId)) return goesAgain ? 'open' : 'shown';
  if (logId === null || prompt.status !== 'sent' || prompt.offset === undefined || prompt.offset > offset) return 'open';
  // Told twice that it is there, and it is not: the page shows what the server shows.
  return hasMore || prompt.again === logId ? 'passed' : 'lost';
};

/** The prompts that still stand for themselves; the same array when all do, so that views change only when they must. */
export const withoutShown = (pending: readonly PendingPrompt[], conversation: ConversationState): readonly PendingPrompt[] => {
  const left = pending.filter((prompt) => !holds(conversation, prompt.messageId) && fateOf(prompt, conversation) !== 'passed');
  return left.length === pending.length ? pending : left;
};

/** A prompt that its conversation has shown, kept until its answer ended: a store that comes back older may have lost it. */
export interface ShownPrompt {
  messageId: string;
  runId: string;
  /** Of the log that showed it. */
  logId: string;
}

/**
 * What becomes of it. `over`: it was answered to the end, or deleted. `moved`: it stands in a log of another name. `lost`: the log that is there
 * now has it not, or not its run. `gone`: there is no log any more: the store lost it, or somebody deleted the conversation. `kept`: none of that.
 */
export type ShownFate = 'over' | 'moved' | 'lost' | 'gone' | 'kept';

export const shownFateOf = ({ messageId, runId, logId }: ShownPrompt, conversation: ConversationState): ShownFate => {
  const message = conversation.messages.findLast((m) => m.messageId === messageId);
  const isAnswered = conversation.messages.some((m) => m.messageId === runId || (m.role === 'assistant' && m.parentId === messageId));
  if (message?.status === 'deleted' || isAnswered) return 'over';
  if (conversation.logId === logId) return 'kept';
  if (conversation.logId === null) return 'gone';
  return conversation.run?.runId === runId ? 'moved' : 'lost';
};
