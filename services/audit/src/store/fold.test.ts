import { describe, expect, test } from 'vitest';
import type { MessageRow, SessionRow } from '../database/tables.ts';
import { fold, messageKey, type ChangeAt, type Tables } from './fold.ts';
import type { Change } from './rows.ts';

const session = (change: Partial<SessionRow> = {}): SessionRow => ({
  conversationId: 'c',
  userId: 'ann',
  logId: 'log-1',
  title: 'Rivers',
  createdAt: 100,
  updatedAt: 200,
  deleted: 0,
  deletedAt: null,
  deletedLogId: null,
  ...change,
});
const message = (change: Partial<MessageRow> = {}): MessageRow => ({
  conversationId: 'c',
  messageId: 'm',
  userId: 'ann',
  position: 300_000,
  parentId: null,
  role: 'assistant',
  text: 'A text',
  status: 'complete',
  finish: null,
  model: 'count',
  author: null,
  createdAt: 300,
  receipt: null,
  ...change,
});
const tablesOf = (sessions: SessionRow[], messages: MessageRow[] = []): Tables => ({
  sessions: new Map(sessions.map((row) => [row.conversationId, row])),
  messages: new Map(messages.map((row) => [messageKey(row.conversationId, row.messageId), row])),
});
const at = (time: number, change: Change, logId = 'log-2'): ChangeAt => ({ conversationId: 'c', logId, time, change });
/** What is written, when this comes upon those rows. */
const written = (sessions: SessionRow[], messages: MessageRow[], ...changes: ChangeAt[]) => {
  const folded = fold(tablesOf(sessions, messages), changes);
  return { sessions: [...folded.sessions.values()], messages: [...folded.messages.values()], purged: [...folded.purged] };
};
const NOTHING = { sessions: [], messages: [], purged: [] };
const made = (title = 'Lakes', userId = 'ann'): Change => ({ kind: 'session', userId, title });
const said = (row: Partial<MessageRow> = {}): Change => ({ kind: 'message', row: message(row) });
const restored = (rows: MessageRow[] = [], title = 'Lakes'): Change => ({ kind: 'restored', userId: 'ann', title, rows });
const titled: Change = { kind: 'title', title: 'Lakes' };
const gone: Change = { kind: 'session-deleted', userId: 'ann' };
const erased: Change = { kind: 'message-deleted', userId: 'ann', messageId: 'm', position: 300_000 };
const FRESH = { logId: 'log-2', title: '', createdAt: 300, updatedAt: 300 };
const DELETED = { title: '', deleted: 1, deletedAt: 300, deletedLogId: 'log-1' };

describe('a conversation', () => {
  test('begins with its time, title and owner', () => {
    expect(written([], [], at(300, made()))).toEqual({ ...NOTHING, sessions: [session({ ...FRESH, title: 'Lakes' })] });
  });

  test('keeps its owner and title, takes the newer log and the earlier beginning', () => {
    expect(written([session()], [], at(50, made('Lakes', 'bob'))).sessions).toEqual([session({ logId: 'log-2', createdAt: 50 })]);
    expect(written([session()], [], at(300, made())).sessions).toEqual([session({ logId: 'log-2' })]);
    expect(written([session({ userId: '', title: '' })], [], at(300, made('Lakes', 'bob'))).sessions).toEqual([
      session({ userId: 'bob', title: 'Lakes', logId: 'log-2' }),
    ]);
  });

  test('made again after a deletion begins anew, and remembers the deletion', () => {
    expect(written([session(DELETED)], [], at(400, made())).sessions).toEqual([
      session({ ...DELETED, deleted: 0, logId: 'log-2', title: 'Lakes', createdAt: 400, updatedAt: 400 }),
    ]);
    expect(written([session({ ...DELETED, title: 'Old', updatedAt: 500 })], [], at(400, made(''))).sessions).toEqual([
      session({ ...DELETED, deleted: 0, logId: 'log-2', title: '', createdAt: 400, updatedAt: 500 }),
    ]);
  });

  test('takes a title, but none that comes before it is known; time does not go back', () => {
    expect(written([], [], at(300, titled))).toEqual(NOTHING);
    expect(written([session()], [], at(300, titled)).sessions).toEqual([session({ title: 'Lakes', updatedAt: 300 })]);
    expect(written([session()], [], at(50, titled)).sessions).toEqual([session({ title: 'Lakes' })]);
  });
});

describe('a message', () => {
  test('is written with its conversation, also where that is not known yet', () => {
    expect(written([], [], at(300, said()))).toEqual({ ...NOTHING, sessions: [session(FRESH)], messages: [message()] });
    expect(written([session()], [], at(300, said())).sessions).toEqual([session({ updatedAt: 300 })]);
    expect(written([session()], [], at(50, said())).sessions).toEqual([session()]);
    expect(written([session(DELETED)], [], at(400, said())).sessions).toEqual([session({ ...DELETED, deleted: 0, updatedAt: 400 })]);
  });

  test('that was deleted stays empty, whatever comes of it later', () => {
    expect(written([session()], [message({ text: '', status: 'deleted' })], at(300, said({ model: 'other' }))).messages).toEqual([
      message({ text: '', status: 'deleted', model: 'other' }),
    ]);
  });

  const END = message();
  test.each<[string, Partial<MessageRow>, Partial<MessageRow>, boolean]>([
    ['another text', {}, { text: 'B' }, true],
    ['another status', {}, { status: 'cancelled' }, true],
    ['both, later', {}, { text: 'B', status: 'cancelled', position: 400_000 }, true],
    ['the same once more', {}, { finish: 'stop' }, false],
    ['an earlier one', {}, { text: 'B', position: 200_000 }, false],
    ['of an answer begun at another time', {}, { text: 'B', createdAt: 301 }, false],
    ['after the question of this name', { role: 'user' }, { text: 'B' }, false],
    ['that is a question', {}, { text: 'B', role: 'user' }, false],
  ])('ends once: a second end is left out (%s: %#)', (_name, known, second, isLeftOut) => {
    const row = message(second);
    expect(written([session()], [{ ...END, ...known }], at(300, said(second))).messages).toEqual(isLeftOut ? [] : [row]);
  });

  test('keeps its receipt when its end is written again without one; what was deleted has none', () => {
    const proved = message({ receipt: '{"bytes":6}' });
    expect(written([session()], [proved], at(300, said())).messages).toEqual([]);
    expect(written([session()], [message()], at(300, said({ receipt: '{"bytes":6}' }))).messages).toEqual([proved]);
    expect(written([session()], [message({ ...proved, createdAt: 301 })], at(300, said({ text: 'B' }))).messages).toEqual([
      message({ text: 'B' }),
    ]);
    expect(written([session()], [proved], at(400, erased)).messages).toEqual([message({ text: '', status: 'deleted' })]);
    expect(written([session()], [message({ text: '', status: 'deleted' })], at(300, said({ receipt: '{"bytes":6}' }))).messages).toEqual([
      message({ text: '', status: 'deleted' }),
    ]);
  });

  test('deleted keeps its place and loses its text', () => {
    expect(written([session()], [message()], at(400, erased))).toEqual({
      ...NOTHING,
      messages: [message({ text: '', status: 'deleted' })],
    });
  });

  test('deleted before it is known leaves a mark in its place', () => {
    const mark = {
      parentId: null,
      role: '',
      text: '',
      status: 'deleted',
      finish: null,
      model: null,
      author: null,
      createdAt: 400,
      receipt: null,
    };
    for (const sessions of [[], [session()]]) expect(written(sessions, [], at(400, erased)).messages).toEqual([message(mark)]);
  });
});

describe('a log written again', () => {
  test('adds what the database lacks and changes nothing that it has', () => {
    const [had, lacked] = [message({ role: 'user' }), message({ messageId: 'n' })];
    expect(written([session()], [had], at(300, restored([{ ...had, text: 'B' }, lacked])))).toEqual({
      ...NOTHING,
      sessions: [session({ logId: 'log-2' })],
      messages: [lacked],
    });
  });

  test('makes a conversation that is not known, and one that was deleted before', () => {
    expect(written([], [], at(300, restored())).sessions).toEqual([session({ ...FRESH, title: 'Lakes' })]);
    expect(written([session(DELETED)], [], at(400, restored())).sessions).toEqual([
      session({ ...DELETED, deleted: 0, logId: 'log-2', title: 'Lakes' }),
    ]);
  });
});

describe('a deletion', () => {
  test('takes the title and the messages that came before it, of this conversation only', () => {
    const [before, after, others] = [
      message({ messageId: 'before', position: 300_999 }),
      message({ messageId: 'after', position: 301_000 }),
      message({ conversationId: 'd' }),
    ];
    const tables = tablesOf([session()], [before, after, others]);
    const folded = fold(tables, [at(300, gone)]);
    expect([...folded.sessions.values()]).toEqual([session({ ...DELETED, deletedLogId: 'log-2' })]);
    expect([...folded.purged]).toEqual([['c', 301_000]]);
    expect([...tables.messages.values()]).toEqual([after, others]);
    // The tables are the rows that the next change of the batch meets.
    expect(tables.sessions.get('c')).toEqual(session({ ...DELETED, deletedLogId: 'log-2' }));
  });

  test('takes what the same batch has said before it', () => {
    const { messages, purged } = written([session()], [], at(300, said()), at(300, gone));
    expect([messages, purged]).toEqual([[], [['c', 301_000]]]);
  });

  test('of a conversation that is not known is remembered', () => {
    expect(written([], [], at(300, gone)).sessions).toEqual([session({ ...FRESH, ...DELETED, deletedLogId: 'log-2' })]);
  });

  const CHANGES: [string, Change][] = [
    ['session', made()],
    ['title', titled],
    ['message', said()],
    ['restored', restored([message()])],
    ['message-deleted', erased],
  ];
  test.each(CHANGES)('outlives what was said before it and comes late: %s', (_kind, change) => {
    expect(written([session(DELETED)], [], at(299, change))).toEqual(NOTHING);
    expect(written([session(DELETED)], [], at(500, change, 'log-1'))).toEqual(NOTHING);
    // In the same millisecond, in another log: after it.
    expect(written([session(DELETED)], [], at(300, change))).not.toEqual(NOTHING);
  });
});
