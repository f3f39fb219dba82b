/** One answer as it comes, read from the views of its conversation: a loop over its pieces and a promise of its end. */
import { RunnelError, sha256Hex, type MessageStatus } from '@runnel/protocol';
import type { Clock } from '../clock.ts';
import type { ConversationView } from './conversation-view.ts';
import type { Problem } from '../api/errors.ts';
import type { Store } from '../store.ts';

export interface AnswerPiece {
  /** Where `text` goes, in UTF-16 units. Less than what came so far where the answer began again or was replaced: cut there first. */
  at: number;
  text: string;
}

export interface AnswerEnd {
  runId: string;
  reason: MessageStatus;
  text: string;
  /** The text has the SHA-256 that the log names. False also where the answer had ended before this client read its end (W-10). */
  verified: boolean;
}

/**
 * `for await (const { at, text } of answer) shown = shown.slice(0, at) + text` keeps `shown` equal to the text. A loop begins at the start
 * of the answer and goes on through reconnects; a slow reader gets fewer, longer pieces.
 * Loop and promise fail with a RunnelError: that of the prompt or of the conversation, `not-found` when 15 s pass with no sign of such an
 * answer, `unavailable` when the handle was closed.
 */
export interface Answer extends AsyncIterable<AnswerPiece> {
  readonly runId: string;
  readonly ended: Promise<AnswerEnd>;
}

export interface AnswerDeps {
  state: Store<ConversationView>;
  clock: Clock;
  /** Aborted when the handle is closed. */
  closed: AbortSignal;
}

/** Between a prompt's `message` and its `run-started`, and around the `ok` of a `regenerate`, nothing of the run is seen. */
const MISSING_DEADLINE_MS = 15_000;

const answerIn = ({ conversation }: ConversationView, runId: string): { text: string; reason: MessageStatus | null } | null => {
  if (conversation.run?.runId === runId) return { text: conversation.run.text, reason: null };
  const message = conversation.messages.findLast((m) => m.messageId === runId);
  return message ? { text: message.text, reason: message.status } : null;
};

const problemIn = (view: ConversationView, runId: string): Problem | null =>
  view.problem ?? view.pending.find((p) => p.runId === runId && p.status === 'failed')?.error ?? null;

const isMissing = (view: ConversationView, runId: string): boolean =>
  view.sync === 'live' && answerIn(view, runId) === null && !view.pending.some((p) => p.runId === runId);

export const createAnswer = (runId: string, { state, clock, closed }: AnswerDeps): Answer => {
  let text = '';
  let digest: string | null = null;
  let over = false;
  let stopMissing: (() => void) | null = null;
  const waiting = new Set<() => void>();
  let settle: { resolve(end: AnswerEnd): void; reject(error: RunnelError): void };
  const ended = new Promise<AnswerEnd>((resolve, reject) => (settle = { resolve, reject }));
  // A caller that only iterates gets the error from the iteration.
  ended.catch(() => undefined);

  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const finish = (outcome: AnswerEnd | RunnelError): void => {
    if (over) return;
    over = true;
    unsubscribe();
    stopMissing?.();
    closed.removeEventListener('abort', onClosed);
    if (outcome instanceof RunnelError) settle.reject(outcome);
    else settle.resolve(outcome);
    wake();
  };
  const onClosed = (): void => finish(new RunnelError('unavailable', 'The conversation was closed.'));

  /** A text that fails its digest is replaced by a snapshot (W-10): each later view leads here again, and what the core keeps is the end. */
  const finishWith = async (reason: MessageStatus, whole: string): Promise<void> => {
    const verified = digest !== null && (await sha256Hex(whole)) === digest;
    const now = state.get();
    const isWrong = digest !== null && reason !== 'deleted' && !verified;
    if (answerIn(now, runId)?.text !== whole || (isWrong && (now.sync !== 'live' || now.verified !== 'mismatch'))) return;
    finish({ runId, reason, text: whole, verified });
  };

  const read = (view: ConversationView): void => {
    const found = answerIn(view, runId);
    if (view.conversation.ended?.runId === runId) digest = view.conversation.ended.sha256;
    if (found && found.text !== text) {
      text = found.text;
      wake();
    }
    const problem = problemIn(view, runId);
    if (problem) return finish(new RunnelError(problem.code, problem.message, problem));
    if (!isMissing(view, runId)) {
      stopMissing?.();
      stopMissing = null;
    } else stopMissing ??= clock.after(MISSING_DEADLINE_MS, () => finish(new RunnelError('not-found', 'There is no such answer.')));
    if (found?.reason != null && view.sync === 'live') void finishWith(found.reason, found.text);
  };

  const pieces = async function* (): AsyncGenerator<AnswerPiece, void, undefined> {
    let given = '';
    for (;;) {
      if (text !== given) {
        const at = text.startsWith(given) ? given.length : 0;
        given = text;
        yield { at, text: given.slice(at) };
      } else if (over) {
        await ended;
        return;
      } else await new Promise<void>((resolve) => waiting.add(resolve));
    }
  };

  const unsubscribe = state.subscribe(read);
  closed.addEventListener('abort', onClosed);
  if (closed.aborted) onClosed();
  else read(state.get());
  return { runId, ended, [Symbol.asyncIterator]: pieces };
};
