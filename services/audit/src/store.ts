import type { DataSource } from 'typeorm';
import { type AuditEvent, sequenceOf } from '@runnel/protocol/audit';

import { appendTrail } from './append-trail.ts';
import { applyChanges } from './apply-changes.ts';
import { Partitions } from './database/partitions.ts';
import { dialectOf, Sql, type Dialect } from './database/sql.ts';
import { TIMELINE } from './database/tables.ts';
import { inTurn } from './database/turns.ts';
import type { ChangeAt } from './fold.ts';
import { foreignOf, ForeignEvents } from './ownership.ts';
import { auditRow, changesOf, timelineRow } from './rows.ts';

/** Writers of one conversation go one after the other; those of others meet in a bucket now and then, which only costs a wait. */
const LOCK_SPACE = 7_201;
const BUCKETS = 64;
/** Transactions at a time of one process: while one is under way in the database, the rows of the other are made. */
const LANES = 2;

const bucketOf = (conversationId: string): number => {
  let hash = 0;
  for (let i = 0; i < conversationId.length; i++) hash = (Math.imul(hash, 31) + conversationId.charCodeAt(i)) | 0;
  return (hash >>> 0) % BUCKETS;
};

/** Lanes take buckets, so that those of one process never wait for each other's locks. SQLite has one writer. */
export const laneOf = (dialect: Dialect, conversationId: string): number => (dialect === 'sqlite' ? 0 : bucketOf(conversationId) % LANES);

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
   * Returns how many state changes were new.
   *
   * @throws ForeignEvents when some are not of the owners of their conversations; the batch without them can be stored
   */
  write(events: readonly AuditEvent[]): Promise<number> {
    return inTurn(this.#database, () => this.#write(events));
  }

  async #write(events: readonly AuditEvent[]): Promise<number> {
    const timeline = events.map(timelineRow).filter((row) => row !== null);
    const rows = events.flatMap((event) => {
      const row = auditRow(event);
      return row === null ? [] : [{ ...row, event }];
    });
    await this.#partitions.ensure(rows.map((row) => row.time));
    let erased = false;
    const stored = await this.#database.transaction(async (tx) => {
      const sql = new Sql(dialectOf(this.#database), tx);
      await onDisk(sql);
      await sql.insert('stream_chunk', TIMELINE, timeline, 'DO NOTHING');
      if (rows.length === 0) return 0;
      await lock(
        sql,
        rows.map((row) => row.conversationId),
      );
      const foreign = foreignOf(rows, await ownersOf(sql, rows));
      if (foreign.length > 0) throw new ForeignEvents(foreign.map((row) => row.event.id));
      const fresh = await appendTrail(sql, rows);
      const changes = fresh.flatMap(({ event, conversationId, time }): ChangeAt[] => {
        // Its own, also where the trail had to give it another place.
        const { logId } = sequenceOf(event)!;
        return changesOf(event).map((change) => ({ conversationId, logId, time, change }));
      });
      await applyChanges(sql, changes);
      erased = changes.some(({ change }) => change.kind === 'message-deleted' || change.kind === 'session-deleted');
      return fresh.length;
    });
    // The journal of SQLite still has the page as it was before.
    if (erased && dialectOf(this.#database) === 'sqlite') await this.#database.query('PRAGMA wal_checkpoint(TRUNCATE)');
    return stored;
  }
}

/** Whatever the server's default: what is committed is on disk, since it leaves the outbox, or Kafka's position moves, after it. */
export const onDisk = async (sql: Sql): Promise<void> => {
  if (sql.dialect === 'sqlite') return;
  await sql.query(`SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')`);
};

export const lock = async (sql: Sql, conversationIds: readonly string[]): Promise<void> => {
  if (sql.dialect === 'sqlite') return;
  // Always in one order, so that two writers cannot wait for each other.
  const buckets = [...new Set(conversationIds.map(bucketOf))].sort((a, b) => a - b);
  await sql.query(`SELECT pg_advisory_xact_lock(${LOCK_SPACE}, b) FROM unnest('{${buckets.join(',')}}'::int[]) AS b`);
};

const ownersOf = async (sql: Sql, rows: readonly { conversationId: string }[]): Promise<Map<string, string>> => {
  const ids = [...new Set(rows.map((row) => row.conversationId))];
  const found = await sql.among<{ conversation_id: string; user_id: string }>('SELECT * FROM chat_session', 'conversation_id', ids);
  return new Map(found.map((row) => [row.conversation_id, row.user_id]));
};
