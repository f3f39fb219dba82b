import type { DataSource } from 'typeorm';
import type { AuditEvent } from '@runnel/events';
import { extend } from './chain.ts';
import { Partitions } from './database/partitions.ts';
import { dialectOf, Sql, toStored } from './database/sql.ts';
import {
  AUDIT,
  HEAD,
  LINK,
  MESSAGE,
  rowOf,
  SESSION,
  TIMELINE,
  type AuditRow,
  type HeadRow,
  type LinkRow,
  type MessageRow,
} from './database/tables.ts';
import { fold, messageKey, type ChangeAt, type Tables } from './fold.ts';
import { foldText } from './fold-text.ts';
import { auditRow, changesOf, timelineRow } from './rows.ts';

/** Writers of one conversation go one after the other; those of others meet in a bucket now and then, which only costs a wait. */
const LOCK_SPACE = 7_201;
const BUCKETS = 64;
const bucketOf = (conversationId: string): number => {
  let hash = 0;
  for (let i = 0; i < conversationId.length; i++) hash = (Math.imul(hash, 31) + conversationId.charCodeAt(i)) | 0;
  return (hash >>> 0) % BUCKETS;
};

const upsert = (columns: object, key: string): string => {
  const names = (Object.values(columns) as [string][]).map(([name]) => name);
  const keys = key.split(', ');
  return `(${key}) DO UPDATE SET ${names
    .filter((n) => !keys.includes(n))
    .map((n) => `${n} = excluded.${n}`)
    .join(', ')}`;
};

/** Writes events into the trail and the tables that people read. */
export class AuditStore {
  readonly #database: DataSource;
  readonly #partitions: Partitions;

  constructor(database: DataSource) {
    this.#database = database;
    this.#partitions = new Partitions(database);
  }

  /**
   * Stores a batch in one transaction. An event that is there already changes nothing (P-9), so a batch may come again.
   * Returns how many state changes were new. SQLite has one writer: calls must not overlap there (`GroupWriter`).
   */
  async write(events: readonly AuditEvent[]): Promise<number> {
    const timeline = events.map(timelineRow).filter((row) => row !== null);
    const given = new Map(
      events.flatMap((event) => {
        const row = auditRow(event);
        return row === null ? [] : [[event.id, { event, row }] as const];
      }),
    );
    await this.#partitions.ensure([...given.values()].map(({ row }) => row.time));
    let erased = false;
    const stored = await this.#database.transaction(async (tx) => {
      const sql = new Sql(dialectOf(this.#database), tx);
      if (timeline.length > 0) await sql.insert('stream_chunk', TIMELINE, timeline, 'DO NOTHING');
      if (given.size === 0) return 0;
      await lock(
        sql,
        [...given.values()].map(({ row }) => row.conversationId),
      );
      const stored = await sql.insert(
        'audit_log',
        AUDIT,
        [...given.values()].map(({ row }) => row),
        'DO NOTHING',
        'event_id',
      );
      const fresh = new Set(stored.map((row) => row['event_id']));
      const changes = [...given.values()]
        .filter(({ event }) => fresh.has(event.id))
        .flatMap(({ event, row }) => changesOf(event).map((change): ChangeAt => ({ ...row, change })));
      await apply(sql, changes);
      erased = changes.some(({ change }) => change.kind === 'message-deleted' || change.kind === 'session-deleted');
      await link(sql, [...new Set([...given.values()].filter(({ event }) => fresh.has(event.id)).map(({ row }) => row.logId))]);
      return fresh.size;
    });
    // The journal of SQLite still has the page as it was before.
    if (erased && dialectOf(this.#database) === 'sqlite') await this.#database.query('PRAGMA wal_checkpoint(TRUNCATE)');
    return stored;
  }
}

const lock = async (sql: Sql, conversationIds: readonly string[]): Promise<void> => {
  if (sql.dialect === 'sqlite') return;
  // Always in one order, so that two writers cannot wait for each other.
  const buckets = [...new Set(conversationIds.map(bucketOf))].sort((a, b) => a - b);
  await sql.query(`SELECT pg_advisory_xact_lock(${LOCK_SPACE}, b) FROM unnest('{${buckets.join(',')}}'::int[]) AS b`);
};

/** The messages a change looks at. */
const touched = ({ change }: ChangeAt): string[] => {
  if (change.kind === 'message') return [change.row.messageId];
  if (change.kind === 'restored') return change.rows.map((row) => row.messageId);
  return change.kind === 'message-deleted' ? [change.messageId] : [];
};

const apply = async (sql: Sql, changes: readonly ChangeAt[]): Promise<void> => {
  if (changes.length === 0) return;
  const conversations = [...new Set(changes.map((c) => c.conversationId))];
  const tables: Tables = { sessions: new Map(), messages: new Map() };
  for (const found of await sql.among<Record<string, unknown>>('SELECT * FROM chat_session WHERE conversation_id IN', conversations)) {
    const row = rowOf(SESSION, found);
    tables.sessions.set(row.conversationId, row);
  }
  // Ids are made by clients and unique within a conversation only.
  const pairs = changes.flatMap((c) => touched(c).map((messageId) => [c.conversationId, messageId] as const));
  const wanted = [...new Map(pairs.map((pair) => [messageKey(...pair), pair])).values()];
  for (const found of await sql.amongPairs<Record<string, unknown>>('message', ['conversation_id', 'message_id'], wanted)) {
    const row = rowOf(MESSAGE, found);
    tables.messages.set(messageKey(row.conversationId, row.messageId), row);
  }
  const { sessions, messages, purged } = fold(tables, changes);
  for (const conversationId of purged) {
    if (sql.dialect === 'sqlite') {
      await sql.query('DELETE FROM message_search WHERE rowid IN (SELECT id FROM message WHERE conversation_id = $1)', [conversationId]);
    }
    await sql.query('DELETE FROM message WHERE conversation_id = $1', [conversationId]);
  }
  const sessionRows = [...sessions.values()].map((row) => ({ ...row, title: toStored(row.title) }));
  await sql.insert('chat_session', SESSION, sessionRows, upsert(SESSION, 'conversation_id'));
  await writeMessages(sql, [...messages.values()]);
};

/** The words go in beside the text: as a `tsvector` in PostgreSQL, into the FTS5 table in SQLite. */
const writeMessages = async (sql: Sql, rows: readonly MessageRow[]): Promise<void> => {
  if (rows.length === 0) return;
  if (sql.dialect === 'postgres') {
    const folded = rows.map((row) => ({ ...row, text: toStored(row.text), search: foldText(row.text).slice(0, MAX_SEARCHED) }));
    const columns = { ...MESSAGE, search: ['search', 'text'] as const };
    await sql.insert('message', columns, folded, upsert(columns, 'conversation_id, message_id'), '', {
      search: (value) => `to_tsvector('simple', ${value})`,
    });
    return;
  }
  await sql.insert(
    'message',
    MESSAGE,
    rows.map((row) => ({ ...row, text: toStored(row.text) })),
    upsert(MESSAGE, 'conversation_id, message_id'),
  );
  for (const { conversationId, messageId, text } of rows) {
    await sql.query(
      'INSERT OR REPLACE INTO message_search (rowid, folded) SELECT id, $1 FROM message WHERE conversation_id = $2 AND message_id = $3',
      [foldText(text), conversationId, messageId],
    );
  }
};

/** A `tsvector` holds at most 1 MiB; the words of the first 200,000 characters fit. */
const MAX_SEARCHED = 200_000;

/** Goes on with the chains of these logs. Links are rows of their own: a row of the trail is never changed. */
const link = async (sql: Sql, logIds: readonly string[]): Promise<void> => {
  const heads = new Map<string, HeadRow>();
  for (const found of await sql.among<Record<string, unknown>>('SELECT * FROM audit_head WHERE log_id IN', logIds)) {
    const head = rowOf(HEAD, found);
    heads.set(head.logId, head);
  }
  const waiting = new Map<string, AuditRow[]>();
  const columns = Object.values(AUDIT)
    .map(([name]) => `a.${name}`)
    .join(', ');
  const unlinked = `SELECT ${columns} FROM audit_log a LEFT JOIN audit_head h ON h.log_id = a.log_id
    WHERE a.sequence > coalesce(h.sequence, 0) AND a.log_id IN`;
  for (const found of await sql.among<Record<string, unknown>>(unlinked, logIds, 'ORDER BY a.log_id, a.sequence')) {
    const row = rowOf(AUDIT, found);
    const rows = waiting.get(row.logId) ?? [];
    if (rows.length === 0) waiting.set(row.logId, rows);
    rows.push(row);
  }
  const links: LinkRow[] = [];
  const moved: HeadRow[] = [];
  for (const [logId, rows] of waiting) {
    const extended = extend(heads.get(logId), rows);
    links.push(...extended.links);
    if (extended.head && extended.links.length > 0) moved.push(extended.head);
  }
  await sql.insert('audit_chain', LINK, links, 'DO NOTHING');
  await sql.insert('audit_head', HEAD, moved, upsert(HEAD, 'log_id'));
};
