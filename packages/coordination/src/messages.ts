import { isId, RunnelError, type EndReason, type Finish, type RunSnapshot } from '@runnel/protocol';
import type { BeginRun, StoredMessage } from './run-log.ts';

/** The messages from the root to one message; as far back as the store has them. */
export const pathTo = (messages: readonly StoredMessage[], messageId: string | null): StoredMessage[] => {
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const path: StoredMessage[] = [];
  // Parents are always older, so the walk ends; the size guards against a damaged history.
  for (let message = byId.get(messageId ?? ''); message && path.length < byId.size; message = byId.get(message.parentId ?? '')) {
    path.push(message);
  }
  return path.reverse();
};

/**
 * Ids become parts of keys and of hand-written JSON, so they are checked at this border too, whatever the caller did.
 *
 * @throws RunnelError `bad-frame`
 */
export const checkIds = (...ids: (string | null | undefined)[]): void => {
  for (const id of ids) if (id !== null && id !== undefined && !isId(id)) throw new RunnelError('bad-frame', 'This id is malformed.');
};

/** @throws RunnelError `bad-frame` */
export const checkBegin = (command: BeginRun): void => {
  const { conversationId, runId, message, parentId, seed = [] } = command;
  const seeded = seed.map((turn) => turn.messageId);
  checkIds(conversationId, runId, message?.messageId, parentId, ...seeded);
  const made = [runId, ...(message ? [message.messageId, ...seeded] : [])];
  if (new Set(made).size < made.length) throw new RunnelError('bad-frame', 'Every message of a prompt needs an id of its own.');
};

/** Which run each message belongs to: an answer to itself, a prompt to the last answer it got. Messages come in order of creation. */
export const answersOf = (messages: readonly StoredMessage[]): { message: StoredMessage; madeRun: string }[] => {
  const answers = new Map(
    messages.flatMap((m) => (m.role === 'assistant' && m.parentId !== null ? [[m.parentId, m.messageId] as const] : [])),
  );
  return messages.map((kept) => ({
    message: { ...kept, text: kept.text.toWellFormed() },
    madeRun: kept.role === 'assistant' ? kept.messageId : (answers.get(kept.messageId) ?? kept.messageId),
  }));
};

/** Which run each message of a path belongs to: a prompt to the answer after it, an answer to itself. */
export const runOfMessages = (
  path: readonly StoredMessage[],
  run: { runId: string; parentId: string | null },
): { message: StoredMessage; madeRun: string }[] =>
  path.map((kept, index) => {
    const message = { ...kept, text: kept.text.toWellFormed() };
    const next = path[index + 1];
    const answer = message.messageId === run.parentId ? run.runId : next?.role === 'assistant' ? next.messageId : message.messageId;
    return { message, madeRun: message.role === 'assistant' ? message.messageId : answer };
  });

interface AnswerEnd {
  reason: EndReason;
  finish?: Finish;
}

/** An answer as the history keeps it, once its run has ended. */
export const answerOf = (run: Omit<RunSnapshot, 'text' | 'epoch'>, text: string, { reason, finish }: AnswerEnd): StoredMessage => ({
  messageId: run.runId,
  parentId: run.parentId,
  role: 'assistant',
  text: text.toWellFormed(),
  status: reason,
  ...(finish && { finish }),
  model: run.model,
  createdAt: run.startedAt,
});
