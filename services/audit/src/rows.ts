import { createHash } from 'node:crypto';
import type { Message } from '@runnel/protocol';
import { sequenceOf, type AuditEvent } from '@runnel/events';
import type { AuditRow, MessageRow, SessionRow } from './database/entities.ts';

/** What an event changes in the tables that people read. */
export type Change =
  | { kind: 'session'; row: SessionRow }
  | { kind: 'title'; conversationId: string; title: string; at: number }
  | { kind: 'message'; row: MessageRow }
  | { kind: 'message-deleted'; conversationId: string; messageId: string; at: number }
  | { kind: 'session-deleted'; conversationId: string; at: number };

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const nullableText = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** The trail's row of an event, not yet linked into the chain. */
export const auditRow = (event: AuditEvent): AuditRow => {
  const place = sequenceOf(event);
  return {
    eventId: event.id,
    time: Date.parse(event.time),
    conversationId: event.subject,
    logId: place?.logId ?? event.id.split(':')[0]!,
    sequence: place?.sequence ?? null,
    type: event.type,
    userId: nullableText(event.data['userId']),
    runId: nullableText(event.data['runId']),
    data: JSON.stringify(event.data),
    previousHash: null,
    hash: null,
  };
};

const messageRow = (conversationId: string, message: Message, position: number): MessageRow => ({
  conversationId,
  messageId: message.messageId,
  position,
  parentId: message.parentId,
  role: message.role,
  text: message.text,
  status: message.status,
  model: message.model ?? null,
  author: message.author ?? null,
  createdAt: message.createdAt,
});

const STATUS: Partial<Record<AuditEvent['type'], Message['status']>> = {
  STREAM_COMPLETED: 'complete',
  STREAM_CANCELLED: 'cancelled',
};

/** What an event means for the tables that people read; empty for events that only the trail keeps. Pure. */
export const changesOf = (event: AuditEvent): Change[] => {
  const { data, subject: conversationId } = event;
  const at = Date.parse(event.time);
  // Time first, then the place in the log: messages of one millisecond keep their order.
  const position = at * 1_000 + ((sequenceOf(event)?.sequence ?? 0) % 1_000);
  switch (event.type) {
    case 'SESSION_STARTED': {
      const row = { conversationId, userId: textOf(data['userId']), logId: sequenceOf(event)?.logId ?? '', title: textOf(data['title']) };
      return [{ kind: 'session', row: { ...row, createdAt: at, updatedAt: at, deletedAt: null } }];
    }
    case 'TITLE_CHANGED':
      return [{ kind: 'title', conversationId, title: textOf(data['title']), at }];
    case 'CHAT_MESSAGE':
      return [{ kind: 'message', row: messageRow(conversationId, data['message'] as Message, position) }];
    case 'STREAM_COMPLETED':
    case 'STREAM_CANCELLED':
    case 'STREAM_ERROR': {
      const message: Message = {
        messageId: textOf(data['runId']),
        parentId: nullableText(data['parentId']),
        role: 'assistant',
        text: textOf(data['text']),
        status: STATUS[event.type] ?? (data['reason'] === 'interrupted' ? 'interrupted' : 'failed'),
        model: textOf(data['model']),
        createdAt: numberOf(data['startedAt']) || at,
      };
      return [{ kind: 'message', row: messageRow(conversationId, message, position) }];
    }
    case 'MESSAGE_DELETED':
      return [{ kind: 'message-deleted', conversationId, messageId: textOf(data['messageId']), at }];
    case 'SESSION_DELETED':
      return [{ kind: 'session-deleted', conversationId, at }];
    case 'STREAM_STARTED':
    case 'RECOVERY_ATTEMPT':
    case 'CHUNK_RECEIVED':
      return [];
    default:
      event.type satisfies never;
      return [];
  }
};

/** One link: the hash of the row's content and of the link before it. */
export const linkHash = (previousHash: string, row: AuditRow): string =>
  createHash('sha256')
    .update([previousHash, row.eventId, String(row.time), row.type, row.data].join('\n'))
    .digest('hex');

export const CHAIN_START = '0'.repeat(64);
