import { hash } from 'node:crypto';
import { FINISHES, type Finish, type Message } from '@runnel/protocol';
import { sequenceOf, type AuditEvent } from '@runnel/events';
import type { AuditRow, MessageRow, RunRow, TimelineRow } from './database/tables.ts';

/** What an event changes in the tables that people read. */
export type Change =
  | { kind: 'session'; userId: string; title: string }
  | { kind: 'title'; title: string }
  | { kind: 'message'; row: MessageRow }
  /** A log that was written again: what the database lacks of it. */
  | { kind: 'restored'; userId: string; title: string; rows: MessageRow[] }
  | { kind: 'message-deleted'; userId: string; messageId: string; position: number }
  | { kind: 'session-deleted'; userId: string };

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const nullableText = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
/** What a 64-bit column takes and a number keeps exactly; else 0. */
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) : 0);
const nullableNumber = (value: unknown): number | null => (typeof value === 'number' ? numberOf(value) : null);
/** A word of the protocol; a later version's word is left out. */
const finishOf = (value: unknown): Finish | null => (FINISHES.includes(value as Finish) ? (value as Finish) : null);
const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export const sha256Of = (text: string): string => hash('sha256', text);

/** Fields that hold what people or models wrote, by the names events use. */
const TEXTS = new Set(['text', 'title']);
/** Fields that name a person. */
const PERSONS = new Set(['userId', 'author', 'cancelledBy', 'deletedBy', 'target']);

type Replace = (name: string, value: string) => unknown;

/** Everything in `value`, at any depth, with each text field's content replaced. */
const replaceFields = (value: unknown, replace: Replace): unknown => {
  if (Array.isArray(value)) return value.map((inner) => replaceFields(inner, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      typeof inner === 'string' ? replace(name, inner) : replaceFields(inner, replace),
    ]),
  );
};

/** What the trail calls a person. */
export type NameOf = (userId: string) => string;
const asTheyAre: NameOf = (userId) => userId;

/** Tells of every person that `data` names. */
export const eachPerson = (value: unknown, tell: (userId: string) => void): void => {
  if (Array.isArray(value)) for (const inner of value) eachPerson(inner, tell);
  else if (typeof value === 'object' && value !== null)
    for (const name in value) {
      const inner = (value as Record<string, unknown>)[name];
      if (typeof inner !== 'string') eachPerson(inner, tell);
      else if (inner !== '' && PERSONS.has(name)) tell(inner);
    }
};

/** `data` with other names of its persons. Pure. */
export const renamePersons = (value: unknown, nameOf: NameOf): unknown =>
  replaceFields(value, (name, inner) => (inner !== '' && PERSONS.has(name) ? nameOf(inner) : inner));

/** `data` for the trail: each text becomes its length and digest, so that it can be erased and the trail still proves it. */
export const withoutTexts = (value: unknown, nameOf = asTheyAre): unknown =>
  replaceFields(value, (name, inner) => {
    if (TEXTS.has(name)) return { bytes: Buffer.byteLength(inner), sha256: sha256Of(inner) };
    return inner !== '' && PERSONS.has(name) ? nameOf(inner) : inner;
  });

/** The trail's row of a state change; null for a timeline batch, which is no part of the trail. */
export const auditRow = (event: AuditEvent, nameOf = asTheyAre): AuditRow | null => {
  const userId = nullableText(event.data['userId']);
  const where = sequenceOf(event);
  if (where === null) return null;
  return {
    eventId: event.id,
    time: Date.parse(event.time),
    conversationId: event.subject,
    logId: where.logId,
    sequence: where.sequence,
    type: event.type,
    userId: userId === null ? null : nameOf(userId),
    runId: nullableText(event.data['runId']),
    data: JSON.stringify(withoutTexts(event.data, nameOf)),
  };
};

const messageRow = (conversationId: string, userId: string, message: Message, position: number): MessageRow => ({
  conversationId,
  messageId: message.messageId,
  userId,
  position,
  parentId: message.parentId ?? null,
  role: message.role,
  text: message.text,
  status: message.status,
  finish: finishOf(message.finish),
  model: message.model ?? null,
  author: message.author ?? null,
  createdAt: message.createdAt,
});

/** Time first, then the place in the log: messages of one millisecond keep their order. */
const positionOf = (time: number, event: AuditEvent): number => time * 1_000 + ((sequenceOf(event)?.sequence ?? 0) % 1_000);

const STATUS: Partial<Record<AuditEvent['type'], Message['status']>> = { STREAM_COMPLETED: 'complete', STREAM_CANCELLED: 'cancelled' };

/** What an event means for the tables that people read; empty for events that only the trail keeps. Pure. */
export const changesOf = (event: AuditEvent): Change[] => {
  const { data, subject: conversationId } = event;
  const at = Date.parse(event.time);
  const userId = textOf(data['userId']);
  const position = positionOf(at, event);
  switch (event.type) {
    case 'SESSION_STARTED':
      return [{ kind: 'session', userId, title: textOf(data['title']) }];
    case 'TITLE_CHANGED':
      return [{ kind: 'title', title: textOf(data['title']) }];
    case 'CHAT_MESSAGE':
      return [{ kind: 'message', row: messageRow(conversationId, userId, data['message'] as Message, position) }];
    case 'STREAM_COMPLETED':
    case 'STREAM_CANCELLED':
    case 'STREAM_ERROR': {
      const finish = finishOf(data['finish']);
      const message: Message = {
        messageId: textOf(data['runId']),
        parentId: nullableText(data['parentId']),
        role: 'assistant',
        text: textOf(data['text']),
        status: STATUS[event.type] ?? (data['reason'] === 'interrupted' ? 'interrupted' : 'failed'),
        ...(finish && { finish }),
        model: textOf(data['model']),
        createdAt: numberOf(data['startedAt']) || at,
      };
      return [{ kind: 'message', row: messageRow(conversationId, userId, message, position) }];
    }
    case 'MESSAGE_DELETED':
      return [{ kind: 'message-deleted', userId, messageId: textOf(data['messageId']), position }];
    case 'SESSION_DELETED':
      return [{ kind: 'session-deleted', userId }];
    case 'RECOVERY_ATTEMPT': {
      const messages = Array.isArray(data['messages']) ? (data['messages'] as Message[]) : [];
      const rows = messages.map((m, i) => messageRow(conversationId, userId, m, numberOf(m.createdAt) * 1_000 + i));
      return data['kind'] === 'restore' || data['kind'] === 'rehydrate'
        ? [{ kind: 'restored', userId, title: textOf(data['title']), rows }]
        : [];
    }
    case 'STREAM_STARTED':
    case 'CHUNK_RECEIVED':
    case 'ADMIN_READ':
    case 'USER_ERASED':
    case 'USER_FORGOTTEN':
    case 'TRAIL_CUT':
      return [];
    default:
      event.type satisfies never;
      return [];
  }
};

/** A time outside of these makes no month of its own in the trail: it is no time of ours. */
const [EARLIEST, LATEST] = [Date.UTC(2020, 0), Date.UTC(2100, 0)];

const isTextOr =
  (...others: unknown[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' || others.includes(value);
const MESSAGE_FIELDS: Record<string, (value: unknown) => boolean> = {
  ...{ role: isTextOr(), text: isTextOr(), status: isTextOr(), parentId: isTextOr(null, undefined) },
  ...{ model: isTextOr(undefined), author: isTextOr(undefined), createdAt: Number.isSafeInteger },
};
const isMessage = (value: unknown): boolean => {
  const message = objectOf(value);
  return textOf(message['messageId']) !== '' && Object.entries(MESSAGE_FIELDS).every(([name, holds]) => holds(message[name]));
};

/** @throws Error with the reason, when the event's envelope is one of ours and its content is not */
export const checkContent = (event: AuditEvent): AuditEvent => {
  const time = Date.parse(event.time);
  if (!(time >= EARLIEST && time < LATEST)) throw new Error('time is not a time of ours');
  const { message, messages } = event.data;
  if (event.type === 'CHAT_MESSAGE' && !isMessage(message)) throw new Error('data/message is not a message');
  if (event.type === 'RECOVERY_ATTEMPT' && Array.isArray(messages) && !messages.every(isMessage))
    throw new Error('data/messages holds what is not a message');
  if (/^STREAM_(COMPLETED|CANCELLED|ERROR)$/.test(event.type) && textOf(event.data['runId']) === '')
    throw new Error('data/runId is missing');
  return event;
};

/** A timeline batch; null for other events, and for one that tells nothing. */
export const timelineRow = ({ type, subject, data }: AuditEvent): TimelineRow | null =>
  type === 'CHUNK_RECEIVED' && Array.isArray(data['chunks'])
    ? {
        conversationId: subject,
        runId: textOf(data['runId']),
        epoch: numberOf(data['epoch']),
        batch: numberOf(data['batch']),
        startedAt: numberOf(data['startedAt']),
        at: numberOf(data['at']),
        chunks: JSON.stringify(data['chunks']),
      }
    : null;

/** What an event tells the statistics about a run; null when nothing. Applying it twice changes nothing. */
export const runRow = (event: AuditEvent): RunRow | null => {
  const { type, subject: conversationId, data } = event;
  const runId = textOf(data['runId']);
  if (runId === '') return null;
  const row: RunRow = {
    conversationId,
    runId,
    model: textOf(data['model']),
    startedAt: numberOf(data['startedAt']),
    firstMs: null,
    endedAt: null,
    reason: null,
    finish: null,
    epoch: numberOf(data['epoch']),
    inputTokens: null,
    outputTokens: null,
  };
  switch (type) {
    case 'STREAM_STARTED':
    case 'RECOVERY_ATTEMPT':
      return row;
    case 'STREAM_COMPLETED':
    case 'STREAM_CANCELLED':
    case 'STREAM_ERROR': {
      const usage = objectOf(data['usage']);
      return {
        ...row,
        endedAt: numberOf(data['endedAt']) || Date.parse(event.time),
        reason: textOf(data['reason']),
        finish: finishOf(data['finish']),
        inputTokens: nullableNumber(usage['promptTokens']),
        outputTokens: nullableNumber(usage['completionTokens']),
      };
    }
    case 'CHUNK_RECEIVED': {
      const first = Array.isArray(data['chunks']) ? (data['chunks'] as unknown[])[0] : undefined;
      const firstMs = Array.isArray(first) && data['at'] === 0 ? nullableNumber(first[1]) : null;
      return { ...row, firstMs };
    }
    default:
      return null;
  }
};
