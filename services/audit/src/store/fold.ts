import type { MessageRow, ParkedRow, PartRow, PresetRow, SessionRow } from '../database/tables.ts';
import { isFree } from '../persons/pseudonym.ts';
import type { Change } from './rows.ts';

/** Where and when a change happened. */
export interface ChangeAt {
  conversationId: string;
  logId: string;
  time: number;
  change: Change;
}

/** The rows a batch touches, as they are in the database, and then as they must become. */
export interface Tables {
  sessions: Map<string, SessionRow>;
  /** By `messageKey`. */
  messages: Map<string, MessageRow>;
}
export interface Folded extends Tables {
  /** Conversations whose older messages go before anything is written, with the position from which on they stay. */
  purged: Map<string, number>;
  parts: PartRow[];
  parked: ParkedRow[];
  /** Runs that have ended, or whose message is empty now: nobody decides about them any more. */
  unparked: { conversationId: string; runId: string; parts: number }[];
  /** In their order. */
  presets: PresetRow[];
  /** Messages that lost what they said: their parts go too. */
  emptied: { conversationId: string; messageId: string }[];
}

export const messageKey = (conversationId: string, messageId: string): string => `${conversationId} ${messageId}`;

/** An owner stays (`ownership.ts`); what was somebody's who is nobody now is whose it was made again. */
const ownerOf = (session: SessionRow, userId: string): string => (isFree(session) ? userId : session.userId || userId);

/** Written again after a loss of the store: an end without the receipt that was shown. */
const knowsLess = (row: MessageRow, known: MessageRow): boolean => row.receipt === null && known.receipt !== null;

/**
 * An answer ends once. A store that went back behind an end may have made another one: the first was shown, so it stays, whichever
 * comes first. The trail has both events, with their digests.
 */
const isSecondEnd = (known: MessageRow, row: MessageRow): boolean =>
  known.role === 'assistant' &&
  row.role === 'assistant' &&
  known.status !== 'deleted' &&
  // Begun at another time: the name was used again, in a conversation that was deleted and made again.
  known.createdAt === row.createdAt &&
  (known.text !== row.text || known.status !== row.status || knowsLess(row, known)) &&
  known.position <= row.position;

/**
 * Applies changes in their order. Events of one topic come in order, those of the two topics do not: an answer may come before its
 * question's conversation, and a deletion before the message it deletes. Whatever the order, the end is the same. Pure.
 *
 * `tables` is changed in place; returns only what must be written.
 */
export const fold = (tables: Tables, changes: readonly ChangeAt[]): Folded => {
  const folded: Folded = {
    sessions: new Map(),
    messages: new Map(),
    purged: new Map(),
    parts: [],
    parked: [],
    unparked: [],
    presets: [],
    emptied: [],
  };
  const { sessions, messages } = tables;

  const putSession = (row: SessionRow): void => {
    sessions.set(row.conversationId, row);
    folded.sessions.set(row.conversationId, row);
  };
  const putMessage = (row: MessageRow): void => {
    const key = messageKey(row.conversationId, row.messageId);
    messages.set(key, row);
    folded.messages.set(key, row);
  };
  const sessionOf = ({ conversationId, logId, time }: ChangeAt, userId: string): SessionRow =>
    sessions.get(conversationId) ?? {
      conversationId,
      userId,
      logId,
      title: '',
      createdAt: time,
      updatedAt: time,
      deleted: 0,
      deletedAt: null,
      deletedLogId: null,
    };
  /** Said before the last deletion, and only come after it. */
  const isLate = ({ logId, time }: ChangeAt, session: SessionRow): boolean =>
    session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId);
  const putSaid = (row: MessageRow): void => {
    const known = messages.get(messageKey(row.conversationId, row.messageId));
    if (known && isSecondEnd(known, row)) return;
    if (known?.status === 'deleted') putMessage({ ...row, text: '', status: 'deleted', receipt: null });
    else putMessage(row);
  };

  for (const entry of changes) {
    const { conversationId, logId, time, change } = entry;
    switch (change.kind) {
      case 'session': {
        const session = sessionOf(entry, change.userId);
        if (isLate(entry, session)) break;
        const isRemade = session.deleted === 1;
        const times = isRemade
          ? { createdAt: time, updatedAt: Math.max(time, session.updatedAt) }
          : { createdAt: Math.min(time, session.createdAt) };
        // A title stays that a prompt after a loss of the store did not know of.
        const title = isRemade ? change.title : session.title || change.title;
        putSession({ ...session, ...times, userId: ownerOf(session, change.userId), logId, title, deleted: 0 });
        break;
      }
      case 'title': {
        const session = sessions.get(conversationId);
        if (session && !isLate(entry, session))
          putSession({ ...session, title: change.title, updatedAt: Math.max(time, session.updatedAt) });
        break;
      }
      case 'message': {
        const session = sessionOf(entry, change.row.userId);
        if (isLate(entry, session)) break;
        const userId = ownerOf(session, change.row.userId);
        putSession({ ...session, userId, deleted: 0, updatedAt: Math.max(time, session.updatedAt) });
        putSaid(change.row);
        break;
      }
      case 'preset': {
        const session = sessions.get(conversationId);
        if (!session || isLate(entry, session)) break;
        folded.presets.push(change.row);
        putSession({ ...session, updatedAt: Math.max(time, session.updatedAt) });
        break;
      }
      case 'part': {
        const session = sessions.get(conversationId);
        if (!session || !isLate(entry, session)) folded.parts.push(change.row);
        break;
      }
      case 'parked': {
        const session = sessions.get(conversationId);
        if (!session || !isLate(entry, session)) folded.parked.push(change.row);
        break;
      }
      case 'unparked':
        folded.unparked.push({ conversationId, runId: change.runId, parts: change.parts });
        break;
      case 'restored': {
        const session = sessionOf(entry, change.userId);
        if (isLate(entry, session)) break;
        putSession({ ...session, userId: ownerOf(session, change.userId), logId, deleted: 0, title: session.title || change.title });
        for (const row of change.rows) if (!messages.has(messageKey(conversationId, row.messageId))) putSaid(row);
        break;
      }
      case 'message-deleted': {
        const session = sessions.get(conversationId);
        if (session && isLate(entry, session)) break;
        const known = messages.get(messageKey(conversationId, change.messageId));
        // Begun after this deletion: another message that was given the name.
        if (known && known.createdAt > time) break;
        const { userId, messageId, position } = change;
        folded.emptied.push({ conversationId, messageId });
        folded.unparked.push({ conversationId, runId: messageId, parts: 0 });
        const empty = {
          conversationId,
          messageId,
          userId,
          position,
          parentId: null,
          role: '',
          finish: null,
          model: null,
          author: null,
          createdAt: time,
        };
        putMessage({ ...(known ?? empty), text: '', status: 'deleted', receipt: null });
        break;
      }
      case 'session-deleted': {
        const session = sessionOf(entry, change.userId);
        putSession({ ...session, title: '', deleted: 1, deletedAt: time, deletedLogId: logId });
        // The conversation may have been made again, and an answer in it be here already: the other topic was faster.
        const stays = (time + 1) * 1_000;
        folded.purged.set(conversationId, stays);
        for (const [key, row] of messages) {
          if (row.conversationId !== conversationId || row.position >= stays) continue;
          messages.delete(key);
          folded.messages.delete(key);
        }
        folded.parts = folded.parts.filter((row) => row.conversationId !== conversationId || row.position >= stays);
        folded.parked = folded.parked.filter((row) => row.conversationId !== conversationId || row.position >= stays);
        folded.presets = folded.presets.filter((row) => row.conversationId !== conversationId || row.position >= stays);
        break;
      }
      default:
        change satisfies never;
    }
  }
  return folded;
};
