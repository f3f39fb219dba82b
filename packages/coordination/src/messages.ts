import { isId, RunnelError, shownPart, type EndReason, type Finish, type Usage } from '@runnel/protocol';
import { endOfParts, factsOf, normalPart } from './parts.ts';
import type { EndingPart } from './run-log/parts.ts';
import type { RunFacts, StoredMessage } from './run-log/stored.ts';

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

export const isMessage = (value: unknown): value is StoredMessage => {
  if (typeof value !== 'object' || value === null) return false;
  const { messageId, parentId, role, text } = value as Record<string, unknown>;
  return isId(messageId) && (parentId === null || isId(parentId)) && typeof role === 'string' && typeof text === 'string';
};

/** Claims after which a run is ended instead: each of its owners fell silent, so it may be the run that fells them. */
export const MOST_TRIES = 10;

/** Why a claimed run cannot be answered; nothing when it can. Pure. */
export const spoiltBy = (
  path: readonly StoredMessage[],
  parentId: string | null,
  tries: number,
  model: string,
): 'unreadable' | 'tried' | undefined =>
  model === '' || (parentId !== null && path.at(-1)?.messageId !== parentId) ? 'unreadable' : tries >= MOST_TRIES ? 'tried' : undefined;

/** A message with its own fields only: what a database or another release added is not for the log. */
export const ownFields = ({
  messageId,
  parentId,
  role,
  text,
  status,
  finish,
  model,
  createdAt,
  author,
  usage,
  parts,
  receipt,
}: StoredMessage): StoredMessage => ({
  messageId,
  parentId,
  role,
  text: text.toWellFormed(),
  status,
  ...(finish && { finish }),
  ...(model !== undefined && { model }),
  createdAt,
  ...(author !== undefined && { author }),
  ...(usage && { usage: { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens } }),
  ...(parts && parts.length > 0 && { parts }),
  ...(receipt && status === 'complete' && { receipt }),
});

/**
 * JSON that Lua's reader takes, too: a lone surrogate, which JSON escapes, becomes the replacement character it is in UTF-8 anyway.
 * In well-formed JSON text an escape of a surrogate is always a lone one; an escaped backslash before it is skipped.
 */
export const toLuaJson = (value: unknown): string =>
  JSON.stringify(value).replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));

/** Which run each message belongs to: an answer to itself, a prompt to the last answer it got. Messages come in order of creation. */
export const answersOf = (
  messages: readonly StoredMessage[],
  /** An answer that has not ended. */
  under?: { runId: string; parentId: string | null },
): { message: StoredMessage; madeRun: string }[] => {
  const answers = new Map(
    messages.flatMap((m) => (m.role === 'assistant' && m.parentId !== null ? [[m.parentId, m.messageId] as const] : [])),
  );
  if (under?.parentId) answers.set(under.parentId, under.runId);
  return messages.map((kept) => ({
    message: ownFields(kept),
    madeRun: kept.role === 'assistant' ? kept.messageId : (answers.get(kept.messageId) ?? kept.messageId),
  }));
};

/** Which run each message of a path belongs to: a prompt to the answer after it, an answer to itself. */
export const runOfMessages = (
  path: readonly StoredMessage[],
  run: { runId: string; parentId: string | null },
): { message: StoredMessage; madeRun: string }[] =>
  path.map((kept, index) => {
    const message = ownFields(kept);
    const next = path[index + 1];
    const answer = message.messageId === run.parentId ? run.runId : next?.role === 'assistant' ? next.messageId : message.messageId;
    return { message, madeRun: message.role === 'assistant' ? message.messageId : answer };
  });

/**
 * The messages of a branch as a new conversation has them: as they are shown, as the trail is told of them, and what it is told of each part.
 * A question whose answer is not in the branch belongs to itself.
 */
export const forkedMessages = (branch: readonly StoredMessage[]) =>
  answersOf(branch).map(({ message, madeRun }) => {
    const { parts = [], ...told } = message;
    const shown = parts.length === 0 ? told : { ...told, parts: parts.map((part) => shownPart(normalPart(part))) };
    return { message: shown as StoredMessage, madeRun, told, facts: parts.map((part) => factsOf(part, { isEnding: true })) };
  });

interface AnswerEnd {
  reason: EndReason;
  finish?: Finish;
  usage?: Usage;
  parts?: readonly EndingPart[];
}

const partsShown = (ending: readonly EndingPart[] | undefined): Pick<StoredMessage, 'parts'> => {
  const { parts } = endOfParts(ending);
  return parts ? { parts } : {};
};

/** An answer as the history keeps it, once its run has ended. */
export const answerOf = (run: RunFacts, text: string, { reason, finish, usage, parts }: AnswerEnd): StoredMessage => ({
  messageId: run.runId,
  parentId: run.parentId,
  role: 'assistant',
  text: text.toWellFormed(),
  status: reason,
  ...(finish && { finish }),
  model: run.model,
  createdAt: run.startedAt,
  ...(usage && { usage }),
  ...partsShown(parts),
});

/** Whether a title is the beginning of a text, as the automatic one is: white space made one, cut with an ellipsis. */
export const repeats = (title: string, words: string): boolean => {
  const start = title.replace(/…$/, '');
  return start !== '' && words.replace(/\s+/g, ' ').replace(/^ /, '').startsWith(start);
};
