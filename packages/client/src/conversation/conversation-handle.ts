/** What a page gets of a conversation: a view to draw and commands to give. `conversation.ts` is behind it. */
import type { Part } from '@runnel/protocol';
import type { Answer } from './answer.ts';
import type { ConversationView } from './conversation-view.ts';
import type { Store } from '../store.ts';

export interface PromptOptions {
  /** Absent: after the newest message. An edit takes the edited message's own `parentId`. */
  parentId?: string | null;
  model?: string;
  /** Ids of whole uploads, at most 10, in the order in which they are shown. */
  files?: readonly string[];
  /** During an answer: waits for its end, and goes after it. Else such a prompt is refused with `busy`. */
  waits?: boolean;
}

/** Commands reject with RunnelError, after 15 s at most. */
export interface ConversationHandle {
  readonly id: string;
  readonly state: Store<ConversationView>;
  /**
   * Shows the prompt as pending at once and sends it when it can; errors appear on the pending prompt.
   * Throws RunnelError `empty`, `too-long`, or `overloaded` when too many prompts wait already.
   */
  prompt(text: string, options?: PromptOptions): { messageId: string; runId: string };
  /** The answer to a prompt or a `regenerate` by its `runId`, also one that runs or has ended already: its pieces, its end. */
  answer(runId: string): Answer;
  /** Sends a failed prompt again, under the same ids. */
  retry(messageId: string): void;
  /** Takes back a prompt that failed or is still queued. */
  discard(messageId: string): void;
  /** Asks for one more answer to a user message; `continues`: one that begins with the text of an answer to it, and goes on from there. */
  regenerate(parentId: string, options?: { model?: string; continues?: string }): Promise<{ runId: string }>;
  /** Stops the running answer, or the one just asked for. */
  cancel(): Promise<'cancelling' | 'already-ended'>;
  /** Decides about a part of the running answer as this screen shows it: what is approved is the input that is seen. `text` goes to the model. */
  decide(
    part: Part,
    decision: 'approve' | 'deny' | 'answer' | 'retry' | 'skip',
    text?: string,
  ): Promise<'decided' | 'already-decided' | 'stale'>;
  deleteMessage(messageId: string): Promise<void>;
  setTyping(active: boolean): void;
  /** Loads the page before the oldest message; calls meanwhile share it. */
  loadOlder(): Promise<void>;
  /** The last handle that closes ends the following; what was read is kept for a while. */
  close(): void;
}

/** A screen that did not match the log (W-10). No text in it. */
export interface MismatchReport {
  conversationId: string;
  runId: string;
  bytes: number;
  heldBytes: number;
}
