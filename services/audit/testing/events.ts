import {
  fromOutbox,
  type AuditData,
  type AuditEvent,
  type AuditEventOf,
  type AuditEventType,
  type AuditMessage,
  type EndedData,
} from '@runnel/protocol/audit';
import { sha256Of } from '../src/store/rows.ts';

/** 1 July 2026, in ms. */
export const T0 = Date.UTC(2026, 6, 1);

type OfHers<D> = D extends { userId: string } ? Omit<D, 'userId'> : never;

const ENDED = { complete: 'STREAM_COMPLETED', cancelled: 'STREAM_CANCELLED', failed: 'STREAM_ERROR', interrupted: 'STREAM_ERROR' } as const;

/** The events of one conversation, in order, as the run log's scripts write them: each is parsed as what a relay sends is. */
export const story = (conversationId = 'c1', { logId = `log-${conversationId}`, userId = 'ann', at = T0 } = {}) => {
  let sequence = 0;
  const make = <T extends AuditEventType>(type: T, data: OfHers<AuditData[T]>, trace = ''): AuditEventOf<T> =>
    fromOutbox({
      id: `${logId}:a${++sequence}`,
      type,
      conversation: conversationId,
      time: String(at + sequence),
      data: JSON.stringify({ userId, ...data }),
      trace,
    }) as AuditEventOf<T>;
  return {
    make,
    /** What no script writes, in the envelope of an event; nobody has parsed it. */
    odd: (type: AuditEventType, data: object) => ({ ...make('TITLE_CHANGED', { title: '' }), type, data: { userId, ...data } }),
    started: (title = 'Chào') => make('SESSION_STARTED', { title }),
    said: (messageId: string, text: string, parentId: string | null = null) =>
      make('CHAT_MESSAGE', {
        message: { messageId, parentId, role: 'user', text, status: 'complete', createdAt: at + sequence, author: userId },
      }),
    sessionDeleted: () => make('SESSION_DELETED', {}),
    began: (runId: string, parentId: string) => make('STREAM_STARTED', { runId, parentId, model: 'count', startedAt: at + sequence }),
    ended: (runId: string, parentId: string, text: string, reason: EndedData['reason'] = 'complete', finish?: string) =>
      make(ENDED[reason], {
        runId,
        parentId,
        model: 'count',
        epoch: 1,
        owner: 'ai-2.0a1b2c',
        startedAt: at,
        reason,
        ...(finish !== undefined && { finish }),
        bytes: Buffer.byteLength(text),
        sha256: sha256Of(text),
        usage: { promptTokens: 3, completionTokens: 7 },
        endedAt: at + 2_000,
        text,
      }),
    /** Its owner wrote the log again, with the messages it knew. */
    restored: (runId: string, title: string, messages: AuditMessage[]) =>
      make('RECOVERY_ATTEMPT', {
        ...{ kind: 'restore', runId, epoch: 2, bytes: 0, restarted: false, owner: 'ai-2.0a1b2c' },
        ...{ title, parentId: null, model: 'count', startedAt: at, messages },
      }),
  };
};

/** A question and its answer in a conversation of its own. */
export const exchange = (conversationId: string, question: string, answer: string, userId = 'ann', at = T0): AuditEvent[] => {
  const s = story(conversationId, { userId, at });
  const m = `m-${conversationId}`;
  const r = `r-${conversationId}`;
  return [s.started(question), s.said(m, question), s.began(r, m), s.ended(r, m, answer)];
};
