import { fromStored, toStored, upsert, type Columns, type Sql } from '../database/sql.ts';
import {
  MESSAGE,
  PARKED,
  PART,
  PRESET,
  rowOf,
  SEARCHED,
  SESSION,
  type MessageRow,
  type ParkedRow,
  type PartRow,
  type PresetRow,
  type SessionRow,
} from '../database/tables.ts';
import { fold, messageKey, type ChangeAt, type Folded, type Tables } from './fold.ts';
import { keepHeld } from '../retention/keep-held.ts';
import { foldText, searchVector } from './search-words.ts';

type Raw = Record<string, unknown>;

/**
 * Brings the tables that people read up to these changes. Their conversations are locked.
 *
 * @param stored by conversation, what the database has of those that are there
 */
export const applyChanges = async (sql: Sql, changes: readonly ChangeAt[], stored: ReadonlyMap<string, SessionRow>): Promise<void> => {
  if (changes.length === 0) return;
  const tables = await readTouched(sql, changes, stored);
  const [oldSessions, oldMessages] = [new Set(tables.sessions.keys()), new Set(tables.messages.keys())];
  const folded = fold(tables, changes);
  const { sessions, messages, purged, parts, parked, unparked, presets, emptied } = folded;
  await keepHeld(sql, changes, folded, stored);
  for (const [conversationId, position] of purged) await purge(sql, conversationId, position);

  const sessionRows = [...sessions.values()].map((row) => ({ ...row, title: toStored(row.title) }));
  const isOld = ({ conversationId }: { conversationId: string }): boolean => oldSessions.has(conversationId);
  await sql.append(
    'chat_session',
    SESSION,
    sessionRows.filter((row) => !isOld(row)),
  );
  await sql.insert('chat_session', SESSION, sessionRows.filter(isOld), upsert(SESSION, 'conversation_id'));

  const isThere = ({ conversationId, messageId }: MessageRow): boolean =>
    oldMessages.has(messageKey(conversationId, messageId)) || purged.has(conversationId);
  await writeMessages(sql, [...messages.values()], isThere);
  await writeParts(sql, parts, emptied);
  await writeParked(sql, parked, unparked);
  await writePresets(sql, presets);
};

/** The messages a change looks at. */
const touched = ({ change }: ChangeAt): string[] => {
  if (change.kind === 'message') return [change.row.messageId];
  if (change.kind === 'restored') return change.rows.map((row) => row.messageId);
  return change.kind === 'message-deleted' ? [change.messageId] : [];
};

const readTouched = async (sql: Sql, changes: readonly ChangeAt[], stored: ReadonlyMap<string, SessionRow>): Promise<Tables> => {
  const sessions = Array.from(stored.values(), (row) => [row.conversationId, { ...row, title: fromStored(row.title) }] as const);
  const tables: Tables = { sessions: new Map(sessions), messages: new Map() };
  // Ids are made by clients and unique within a conversation only.
  const pairs = changes.flatMap((c) => touched(c).map((messageId) => [c.conversationId, messageId] as const));
  const wanted = [...new Map(pairs.map((pair) => [messageKey(...pair), pair])).values()];
  for (const found of await sql.amongPairs<Raw>('message', ['conversation_id', 'message_id'], wanted)) {
    const row = rowOf(MESSAGE, found);
    tables.messages.set(messageKey(row.conversationId, row.messageId), row);
  }
  return tables;
};

/** A part that comes behind the deletion of its message has none to stand in. */
const writeParts = async (
  sql: Sql,
  parts: readonly PartRow[],
  emptied: readonly { conversationId: string; messageId: string }[],
): Promise<void> => {
  const newest = new Map(parts.map((row) => [`${row.conversationId} ${row.runId} ${row.partId}`, { ...row, body: toStored(row.body) }]));
  await sql.insert('part', PART, [...newest.values()], upsert(PART, 'conversation_id, run_id, part_id'));
  const touched = [...emptied, ...parts.map(({ conversationId, runId: messageId }) => ({ conversationId, messageId }))];
  for (const { conversationId, messageId } of new Map(touched.map((one) => [`${one.conversationId} ${one.messageId}`, one])).values())
    await sql.query(
      `DELETE FROM part WHERE conversation_id = $1 AND run_id = $2
         AND EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = $1 AND m.message_id = $2 AND m.status = 'deleted')`,
      [conversationId, messageId],
    );
};

/** Of two owners that parked a run the later one knows more. What has ended waits no longer, whichever topic was faster. */
const NEWEST = `(conversation_id, run_id) DO UPDATE SET user_id = excluded.user_id, position = excluded.position, epoch = excluded.epoch,
  body = excluded.body WHERE excluded.epoch >= parked.epoch`;
const writeParked = async (sql: Sql, rows: readonly ParkedRow[], ended: Folded['unparked']): Promise<void> => {
  for (const row of rows) await sql.insert('parked', PARKED, [{ ...row, body: toStored(row.body) }], NEWEST);
  // A copy of an older state went on where an owner was that nobody has heard of: of two parts at one place the later one counts.
  for (const { conversationId, runId, parts } of ended)
    await sql.query(
      `DELETE FROM part WHERE conversation_id = $1 AND run_id = $2 AND (ordinal >= $3 OR EXISTS (SELECT 1 FROM part q
         WHERE q.conversation_id = $1 AND q.run_id = $2 AND q.ordinal = part.ordinal AND q.position > part.position))`,
      [conversationId, runId, parts],
    );
  for (const { conversationId, runId } of [...ended, ...rows])
    await sql.query(
      `DELETE FROM parked WHERE conversation_id = $1 AND run_id = $2
         AND EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = $1 AND m.message_id = $2)`,
      [conversationId, runId],
    );
};

/** What a row does not say stays as it was. */
const KEPT = `(conversation_id) DO UPDATE SET user_id = excluded.user_id, position = excluded.position,
  system = COALESCE(excluded.system, preset.system), model = COALESCE(excluded.model, preset.model)`;
const writePresets = async (sql: Sql, rows: readonly PresetRow[]): Promise<void> => {
  for (const row of rows) await sql.insert('preset', PRESET, [{ ...row, system: row.system && toStored(row.system) }], KEPT);
};

/** Removes what stands before a position. */
const purge = async (sql: Sql, conversationId: string, position: number): Promise<void> => {
  const older = 'conversation_id = $1 AND position < $2';
  if (sql.dialect === 'sqlite') {
    await sql.query(`DELETE FROM message_search WHERE rowid IN (SELECT id FROM message WHERE ${older})`, [conversationId, position]);
  }
  await sql.query(`DELETE FROM message WHERE ${older}`, [conversationId, position]);
  await sql.query(`DELETE FROM part WHERE ${older}`, [conversationId, position]);
  await sql.query(`DELETE FROM parked WHERE ${older}`, [conversationId, position]);
  await sql.query(`DELETE FROM preset WHERE ${older}`, [conversationId, position]);
};

const KEY = 'conversation_id, message_id';

/** The words go in beside the text: as a `tsvector` in PostgreSQL, into the FTS5 table in SQLite. */
const writeMessages = async (sql: Sql, rows: readonly MessageRow[], isThere: (row: MessageRow) => boolean): Promise<void> => {
  const put = async <Row extends MessageRow>(columns: Columns<Row>, written: readonly Row[]): Promise<void> => {
    await sql.append(
      'message',
      columns,
      written.filter((row) => !isThere(row)),
    );
    await sql.insert('message', columns, written.filter(isThere), upsert(columns, KEY));
  };
  const stored = rows.map((row) => ({ ...row, text: toStored(row.text) }));
  if (sql.dialect === 'postgres') {
    await put(
      SEARCHED,
      stored.map((row, i) => ({ ...row, search: searchVector(row.userId, rows[i]!.text) })),
    );
    return;
  }
  await put(MESSAGE, stored);
  for (const { conversationId, messageId, text } of rows) {
    await sql.query(
      'INSERT OR REPLACE INTO message_search (rowid, folded) SELECT id, $1 FROM message WHERE conversation_id = $2 AND message_id = $3',
      [foldText(text), conversationId, messageId],
    );
  }
};
