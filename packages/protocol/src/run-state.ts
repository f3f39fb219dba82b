import type { ErrorCode } from './errors.ts';
import type { LogEvent, RunSnapshot, SnapshotEvent } from './events.ts';
import type { EndReason, Message, MessageStatus } from './message.ts';
import type { Cursor } from './frames.ts';
import { relate } from './merge.ts';
import { withChunk, withPart, type PartsSum } from './parts.ts';
import { utf8Length } from './position.ts';

/** A running answer as a reader holds it. */
export interface RunState extends RunSnapshot {
  /** UTF-8 length of `text`. */
  bytes: number;
  /** How often another pod took the run over while this reader watched. */
  moves: number;
}

/** What a reader can prove its screen against, once a run has ended (W-10). */
export interface EndedRun {
  runId: string;
  reason: EndReason;
  bytes: number;
  sha256: string;
  parts?: PartsSum;
  /** Why it failed; for as long as no other run begins. */
  error?: { code: ErrorCode; message: string };
}

/** A conversation at one offset, as every reader that applied the same events holds it. */
export interface ConversationState {
  conversationId: string;
  logId: string | null;
  offset: number;
  title: string;
  messages: readonly Message[];
  run: RunState | null;
  ended: EndedRun | null;
  hasMore: boolean;
}

export type Applied =
  | { kind: 'applied'; state: ConversationState }
  | { kind: 'old' }
  /** Follow again with the cursor; `verify`: the text differs from what the log says, follow without one (W-10). */
  | { kind: 'gap'; verify: boolean };

export const emptyConversation = (conversationId: string): ConversationState => ({
  conversationId,
  logId: null,
  offset: 0,
  title: '',
  messages: [],
  run: null,
  ended: null,
  hasMore: false,
});

export const cursorOf = (state: ConversationState): Cursor | null =>
  state.logId === null ? null : { logId: state.logId, offset: state.offset };

/** A snapshot replaces everything: it is the truth at its offset (W-13). */
export const fromSnapshot = (snapshot: SnapshotEvent): ConversationState => ({
  conversationId: snapshot.conversationId,
  logId: snapshot.logId,
  offset: snapshot.offset,
  title: snapshot.title,
  messages: snapshot.messages,
  run: snapshot.run && { ...snapshot.run, bytes: utf8Length(snapshot.run.text), moves: 0 },
  ended: null,
  hasMore: snapshot.hasMore,
});

const upsert = (messages: readonly Message[], message: Message): readonly Message[] => {
  const index = messages.findIndex((m) => m.messageId === message.messageId);
  return index < 0 ? [...messages, message] : messages.with(index, message);
};

/** Nothing of what was said stays, nor what would tell whether one guesses it. */
export const withoutText = ({ parts: _, receipt: __, ...message }: Message): Message => ({ ...message, text: '', status: 'deleted' });
const erased = (messages: readonly Message[], messageId: string): readonly Message[] =>
  messages.map((m) => (m.messageId === messageId ? withoutText(m) : m));

/** The assistant message a finished run leaves behind. */
export const messageOfRun = (
  run: RunSnapshot,
  status: MessageStatus,
  { finish, usage, receipt }: Pick<Message, 'finish' | 'usage' | 'receipt'> = {},
): Message => ({
  messageId: run.runId,
  parentId: run.parentId,
  role: 'assistant',
  text: run.text,
  status,
  ...(finish !== undefined && { finish }),
  ...(run.trimmed && { trimmed: run.trimmed }),
  model: run.model,
  ...(run.requestedModel !== undefined && { requestedModel: run.requestedModel }),
  createdAt: run.startedAt,
  ...(run.parts && { parts: run.parts }),
  ...(usage && { usage }),
  ...(receipt && { receipt }),
});

/** The beginning of a text that has so many UTF-8 bytes; null when it has no such beginning. */
export const textUpTo = (text: string, bytes: number): string | null => {
  if (bytes === 0) return '';
  let held = 0;
  for (let i = 0; i < text.length;) {
    const character = String.fromCodePoint(text.codePointAt(i)!);
    held += utf8Length(character);
    i += character.length;
    if (held === bytes) return text.slice(0, i);
  }
  return null;
};

/**
 * Applies one event of the log (W-8, W-9, W-10). Pure: the same events give the same state in a browser, in a test
 * and in a load generator. Types of later versions change nothing but the offset.
 */
export const applyEvent = (state: ConversationState, event: LogEvent): Applied => {
  if (event.logId !== undefined && state.logId !== null && event.logId !== state.logId) return { kind: 'gap', verify: true };
  const relation = relate(state.offset, event);
  if (relation === 'old') return { kind: 'old' };
  if (relation === 'gap') return { kind: 'gap', verify: false };
  const next = { ...state, offset: event.offset, logId: event.logId ?? state.logId };
  const applied = (change: Partial<ConversationState>): Applied => ({ kind: 'applied', state: { ...next, ...change } });
  switch (event.type) {
    case 'message':
      return applied({ messages: upsert(state.messages, event.message) });
    case 'message-deleted':
      return applied({ messages: erased(state.messages, event.messageId) });
    case 'run-started': {
      const { runId, parentId, model, epoch, startedAt, trimmed, requestedModel } = event;
      const cut = { ...(trimmed && { trimmed }), ...(requestedModel !== undefined && { requestedModel }) };
      return applied({ run: { runId, parentId, model, epoch, startedAt, ...cut, text: '', bytes: 0, moves: 0 }, ended: null });
    }
    case 'chunk': {
      const run = state.run;
      if (!run || run.runId !== event.runId) return { kind: 'gap', verify: true };
      const length = utf8Length(event.text);
      if (event.at + length <= run.bytes) return applied({});
      if (event.at !== run.bytes) return { kind: 'gap', verify: true };
      return applied({ run: { ...run, text: run.text + event.text, bytes: run.bytes + length } });
    }
    case 'part':
    case 'part-chunk': {
      const run = state.run;
      if (!run || run.runId !== event.runId) return { kind: 'gap', verify: true };
      const parts = event.type === 'part' ? withPart(run.parts ?? [], event.part) : withChunk(run.parts ?? [], event);
      return parts === null ? { kind: 'gap', verify: true } : applied({ run: { ...run, parts } });
    }
    case 'run-waiting': {
      const run = state.run;
      if (!run || run.runId !== event.runId) return { kind: 'gap', verify: true };
      return applied({ run: { ...run, waiting: event.partIds } });
    }
    case 'run-moved': {
      const run = state.run;
      if (!run || run.runId !== event.runId) return { kind: 'gap', verify: true };
      const { waiting: _, ...going } = run;
      const moved = { ...going, epoch: event.epoch, moves: run.moves + 1 };
      if (event.restarted) {
        const text = textUpTo(run.text, event.bytes);
        return text === null ? { kind: 'gap', verify: true } : applied({ run: { ...moved, text, bytes: event.bytes } });
      }
      return event.bytes === run.bytes ? applied({ run: moved }) : { kind: 'gap', verify: true };
    }
    case 'run-ended': {
      const run = state.run;
      if (!run || run.runId !== event.runId || run.bytes !== event.bytes) return { kind: 'gap', verify: true };
      if ((run.parts?.length ?? 0) !== (event.parts?.count ?? 0)) return { kind: 'gap', verify: true };
      const { runId, reason, bytes, sha256, error, parts } = event;
      const messages = upsert(state.messages, messageOfRun(run, reason, event));
      const ended = { runId, reason, bytes, sha256, ...(error && { error }), ...(parts && { parts }) };
      return applied({ run: null, ended, messages });
    }
    case 'title':
      return applied({ title: event.title });
    default:
      event satisfies never;
      return applied({});
  }
};
