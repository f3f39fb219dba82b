import { hash } from 'node:crypto';
import { FINISHES, type Finish } from '@runnel/protocol';
import { PERSON_FIELDS, sequenceOf, TEXT_FIELDS, type AuditEvent, type AuditMessage, type EndedData } from '@runnel/protocol/audit';

import type { AuditRow, MessageRow, ParkedRow, PartRow, PresetRow, RunRow } from '../database/tables.ts';
import type { Stretch } from './pack-timeline.ts';

/** What an event changes in the tables that people read. */
export type Change =
  | { kind: 'session'; userId: string; title: string }
  | { kind: 'title'; title: string }
  | { kind: 'preset'; row: PresetRow }
  | { kind: 'message'; row: MessageRow }
  | { kind: 'part'; row: PartRow }
  | { kind: 'parked'; row: ParkedRow }
  /** Of an answer with parts: it may have waited. */
  | { kind: 'unparked'; runId: string; parts: number }
  /** A log that was written again: what the database lacks of it. */
  | { kind: 'restored'; userId: string; title: string; rows: MessageRow[] }
  | { kind: 'message-deleted'; userId: string; messageId: string; position: number }
  | { kind: 'session-deleted'; userId: string };

/** A word of the protocol; a later version's word is left out. */
const finishOf = (word: string | undefined): Finish | null => FINISHES.find((known) => known === word) ?? null;

export const sha256Of = (text: string): string => hash('sha256', text);

const TEXTS: ReadonlySet<string> = new Set(TEXT_FIELDS);
const PERSONS: ReadonlySet<string> = new Set(PERSON_FIELDS);

type Replace = (name: string, value: string) => unknown;

/** Everything in `value`, at any depth, with each text field's content replaced. Half of what a row costs, so no lists in between. */
const replaceFields = (value: unknown, replace: Replace): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => replaceFields(inner, replace));
  // A field named `__proto__` would be lost; no event of ours has one.
  const replaced: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[name];
    replaced[name] = typeof inner === 'string' ? replace(name, inner) : replaceFields(inner, replace);
  }
  return replaced;
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
const withoutTexts = (value: unknown, nameOf = asTheyAre): unknown =>
  replaceFields(value, (name, inner) => {
    if (TEXTS.has(name)) return { bytes: Buffer.byteLength(inner), sha256: sha256Of(inner) };
    return inner !== '' && PERSONS.has(name) ? nameOf(inner) : inner;
  });

/** Who did it; null: nobody. Pure. */
export const userOf = ({ data }: AuditEvent): string | null => ('userId' in data && data.userId !== '' ? data.userId : null);

/** The trail's row of a state change; null for a timeline batch, which is no part of the trail. */
export const auditRow = (event: AuditEvent, nameOf = asTheyAre): AuditRow | null => {
  const userId = userOf(event);
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
    // Its type may have none by its schema, and then it may be anything.
    runId: 'runId' in event.data && typeof event.data.runId === 'string' ? event.data.runId : null,
    data: JSON.stringify(withoutTexts(event.data, nameOf)),
  };
};

const messageRow = (conversationId: string, userId: string, message: AuditMessage, position: number): MessageRow => ({
  conversationId,
  messageId: message.messageId,
  userId,
  position,
  parentId: message.parentId,
  role: message.role,
  text: message.text,
  status: message.status,
  finish: finishOf(message.finish),
  model: message.model ?? null,
  author: message.author ?? null,
  createdAt: message.createdAt,
  receipt: message.receipt ? JSON.stringify(message.receipt) : null,
});

/** Time first, then the place in the log: messages of one millisecond keep their order. */
const positionOf = (time: number, event: AuditEvent): number => time * 1_000 + ((sequenceOf(event)?.sequence ?? 0) % 1_000);

/** The message that an answer leaves behind. */
const answerOf = ({ runId, parentId, text, reason, finish, model, startedAt, receipt }: EndedData): AuditMessage => ({
  messageId: runId,
  parentId,
  role: 'assistant',
  text,
  status: reason,
  ...(finish !== undefined && { finish }),
  model,
  createdAt: startedAt,
  ...(receipt && { receipt }),
});

/** What an event means for the tables that people read; empty for events that only the trail keeps. Pure. */
export const changesOf = (event: AuditEvent): Change[] => {
  const { type, data, subject: conversationId } = event;
  const userId = userOf(event) ?? '';
  const position = positionOf(Date.parse(event.time), event);
  switch (type) {
    case 'SESSION_STARTED':
      return [{ kind: 'session', userId, title: data.title }];
    case 'TITLE_CHANGED':
      return [{ kind: 'title', title: data.title }];
    case 'PRESET_CHANGED':
      return [{ kind: 'preset', row: { conversationId, userId, position, system: data.text ?? null, model: data.model ?? null } }];
    case 'CHAT_MESSAGE':
      return [{ kind: 'message', row: messageRow(conversationId, userId, data.message, position) }];
    case 'PART_CHANGED':
    case 'PART_DECIDED': {
      const { runId, partId, index: ordinal, state, text } = data;
      if (text === undefined) return [];
      return [{ kind: 'part', row: { conversationId, runId, partId, ordinal, userId, position, state, body: text } }];
    }
    case 'STREAM_COMPLETED':
    case 'STREAM_CANCELLED':
    case 'STREAM_ERROR': {
      const ended: Change = { kind: 'message', row: messageRow(conversationId, userId, answerOf(data), position) };
      return data.parts ? [ended, { kind: 'unparked', runId: data.runId, parts: data.parts.count }] : [ended];
    }
    case 'RUN_WAITING': {
      const { runId, epoch, userId: _, bytes: _bytes, request, ...facts } = data;
      // Of a release that did not say what it is an answer to.
      if (facts.parts === undefined || facts.startedAt === undefined) return [];
      const body = JSON.stringify({ ...facts, ...(request && { request: request.text }) });
      return [{ kind: 'parked', row: { conversationId, runId, userId, position, epoch, body } }];
    }
    case 'MESSAGE_DELETED':
      return [{ kind: 'message-deleted', userId, messageId: data.messageId, position }];
    case 'SESSION_DELETED':
      return [{ kind: 'session-deleted', userId }];
    case 'RECOVERY_ATTEMPT': {
      if (data.kind === 'rehydrate') return [{ kind: 'restored', userId, title: '', rows: [] }];
      if (data.kind !== 'restore') return [];
      const rows = data.messages.map((m, i) => messageRow(conversationId, userId, m, m.createdAt * 1_000 + i));
      return [{ kind: 'restored', userId, title: data.title, rows }];
    }
    case 'RECORD_CHANGED':
    case 'STREAM_STARTED':
    case 'CHUNK_RECEIVED':
    case 'ADMIN_READ':
    case 'USER_ERASED':
    case 'KEY_MADE':
    case 'KEY_ENDED':
    case 'SIGNED_IN':
    case 'SIGNED_OUT':
    case 'USER_FORGOTTEN':
    case 'TRAIL_CUT':
    case 'TEXTS_CUT':
    case 'RUNS_CUT':
    case 'HOLD_SET':
    case 'HOLD_ENDED':
      return [];
    default:
      data satisfies never;
      return [];
  }
};

/** A time outside of these makes no month of its own in the trail: it is no time of ours. */
const [EARLIEST, LATEST] = [Date.UTC(2020, 0), Date.UTC(2100, 0)];

/** @throws Error with the reason, when the event's time is none that the trail has a month for */
export const checkContent = (event: AuditEvent): AuditEvent => {
  const time = Date.parse(event.time);
  if (!(time >= EARLIEST && time < LATEST)) throw new Error('time is not a time of ours');
  return event;
};

/** A timeline batch; null for other events. */
export const timelineBatch = ({ type, subject, data }: AuditEvent): Stretch | null => {
  if (type !== 'CHUNK_RECEIVED') return null;
  const { runId, epoch, batch, startedAt, at, chunks } = data;
  return { conversationId: subject, runId, epoch, batch, last: batch, startedAt, at, chunks };
};

/** What is known of a run before its end. */
const underWay = { firstMs: null, endedAt: null, reason: null, finish: null, inputTokens: null, outputTokens: null };

/** What an event tells the statistics about a run; null when nothing. Applying it twice changes nothing. */
export const runRow = ({ type, subject: conversationId, data }: AuditEvent): RunRow | null => {
  switch (type) {
    case 'STREAM_STARTED': {
      const { runId, model, startedAt } = data;
      return { conversationId, runId, model, startedAt, epoch: 0, ...underWay };
    }
    case 'RECOVERY_ATTEMPT': {
      if (data.kind !== 'claim' && data.kind !== 'restore') return null;
      const { runId, epoch } = data;
      // A claim does not repeat what the start said: empty until that comes.
      const { model, startedAt } = data.kind === 'restore' ? data : { model: '', startedAt: 0 };
      return { conversationId, runId, model, startedAt, epoch, ...underWay };
    }
    case 'STREAM_COMPLETED':
    case 'STREAM_CANCELLED':
    case 'STREAM_ERROR': {
      const { runId, model, startedAt, epoch, endedAt, reason, finish, usage } = data;
      const tokens = { inputTokens: usage?.promptTokens ?? null, outputTokens: usage?.completionTokens ?? null };
      return { conversationId, runId, model, startedAt, epoch, firstMs: null, endedAt, reason, finish: finishOf(finish), ...tokens };
    }
    case 'CHUNK_RECEIVED': {
      const { runId, model, startedAt, epoch, at, chunks } = data;
      return { conversationId, runId, model, startedAt, epoch, ...underWay, firstMs: at === 0 ? (chunks[0]?.[1] ?? null) : null };
    }
    default:
      return null;
  }
};
