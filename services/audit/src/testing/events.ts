import { fromOutbox, type AuditEvent } from '@runnel/events';
import { sha256Of } from '../rows.ts';

/** 1 July 2026, in ms. */
export const T0 = Date.UTC(2026, 6, 1);

/** The events of one conversation, in order, as the run log's scripts write them. */
export const story = (conversationId = 'c1', { logId = `log-${conversationId}`, userId = 'ann', at = T0 } = {}) => {
  let sequence = 0;
  const make = (type: string, data: object, trace = ''): AuditEvent =>
    fromOutbox({
      id: `${logId}:a${++sequence}`,
      type,
      conversation: conversationId,
      time: String(at + sequence),
      data: JSON.stringify({ userId, ...data }),
      trace,
    });
  return {
    make,
    started: (title = 'Chào') => make('SESSION_STARTED', { title }),
    said: (messageId: string, text: string, parentId: string | null = null) =>
      make('CHAT_MESSAGE', {
        message: { messageId, parentId, role: 'user', text, status: 'complete', createdAt: at + sequence, author: userId },
      }),
    began: (runId: string, parentId: string) => make('STREAM_STARTED', { runId, parentId, model: 'count', startedAt: at + sequence }),
    ended: (runId: string, parentId: string, text: string, reason = 'complete', finish?: string) =>
      make({ complete: 'STREAM_COMPLETED', cancelled: 'STREAM_CANCELLED' }[reason] ?? 'STREAM_ERROR', {
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
  };
};

/** A question and its answer in a conversation of its own. */
export const exchange = (conversationId: string, question: string, answer: string, userId = 'ann', at = T0): AuditEvent[] => {
  const s = story(conversationId, { userId, at });
  const m = `m-${conversationId}`;
  const r = `r-${conversationId}`;
  return [s.started(question), s.said(m, question), s.began(r, m), s.ended(r, m, answer)];
};
