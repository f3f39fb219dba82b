import type { DataSource } from 'typeorm';
import { type AuditEvent, sequenceOf } from '@runnel/protocol/audit';

import { appendTrail } from './append-trail.ts';
import { applyChanges } from './apply-changes.ts';
import { bucketOf, lock, onDisk } from '../database/locks.ts';
import { Partitions } from '../database/partitions.ts';
import { dialectOf, Sql, type Dialect } from '../database/sql.ts';
import { rowOf, SESSION, type SessionRow } from '../database/tables.ts';
import { inTurn } from '../database/turns.ts';
import type { ChangeAt } from './fold.ts';
import { foreignOf, ForeignEvents } from './ownership.ts';
import { forgetIn } from '../persons/forget.ts';
import { isPseudonym } from '@runnel/protocol/audit';
import { isFree } from '../persons/pseudonym.ts';
import { isRecordEvent, writeRecords } from '../persons/records.ts';
import { resolvePersons } from '../persons/resolve.ts';
import { auditRow, changesOf, timelineBatch } from './rows.ts';
import { writeTimeline } from './write-timeline.ts';

/** Transactions at a time of one process: while one is under way in the database, the rows of the other are made. */
const LANES = 2;

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

  /**
   * Destroys what tells who is behind a pseudonym, unless something of theirs is alive: then their last deletion does it when it comes.
   * Resolves to whether the trail knows them no more.
   */
  forget(userId: string): Promise<boolean> {
    return inTurn(this.#database, () => forgetIn(this.#database, userId));
  }

  /**
   * Persons who are new go in on a connection of their own, where there is one: two transactions that meet the same person for the first
   * time would else wait for each other's end. The transaction holds the persons' lock meanwhile; one that fails leaves a person of whom
   * nothing is told, whom the next finds.
   */
  #aside(sql: Sql): Sql {
    return sql.dialect === 'sqlite' ? sql : new Sql(sql.dialect, this.#database);
  }

  async #write(events: readonly AuditEvent[]): Promise<number> {
    const timeline = events.map(timelineBatch).filter((batch) => batch !== null);
    const records = events.filter(isRecordEvent);
    const told = events.filter((event) => sequenceOf(event) !== null);
    await this.#partitions.ensure(told.map((event) => Date.parse(event.time)));
    let erased = false;
    const leaving = new Set<string>();
    const stored = await this.#database.transaction(async (tx) => {
      const sql = new Sql(dialectOf(this.#database), tx);
      await onDisk(sql);
      await writeTimeline(sql, timeline);
      await writeRecords(sql, records);
      if (told.length === 0) return 0;
      await lock(
        sql,
        told.map((event) => event.subject),
      );
      const sessions = await sessionsOf(sql, told);
      const persons = await resolvePersons(sql, this.#aside(sql), told, sessions);
      const foreign = foreignOf(
        told
          .filter((event) => !persons.isTrailOnly(event))
          .map((event) => ({ conversationId: event.subject, userId: persons.ownerOf(event), event })),
        new Map([...sessions].map(([conversationId, session]) => [conversationId, isFree(session) ? '' : session.userId])),
      );
      if (foreign.length > 0) throw new ForeignEvents(foreign.map(({ event }) => event.id));
      const fresh = await appendTrail(
        sql,
        told.map((event) => ({ ...auditRow(event, persons.nameOf(event))!, event })),
      );
      const changes = fresh.flatMap(({ event, conversationId, time }): ChangeAt[] => {
        if (persons.isTrailOnly(event)) return [];
        // Its own, also where the trail had to give it another place.
        const { logId } = sequenceOf(event)!;
        return changesOf(persons.shown(event)).map((change) => ({ conversationId, logId, time, change }));
      });
      await applyChanges(sql, changes, sessions);
      erased = changes.some(({ change }) => change.kind === 'message-deleted' || change.kind === 'session-deleted');
      // Also those that came before: whoever stored them may have been killed here.
      for (const event of told)
        if (event.type === 'SESSION_DELETED' && event.data['erased'] === true) leaving.add(persons.ownerOf(event) ?? '');
      return fresh.length;
    });
    for (const userId of leaving) if (!isPseudonym(userId) && userId !== '') await forgetIn(this.#database, userId);
    // The journal of SQLite still has the page as it was before.
    if (erased && dialectOf(this.#database) === 'sqlite') await this.#database.query('PRAGMA wal_checkpoint(TRUNCATE)');
    return stored;
  }
}

const sessionsOf = async (sql: Sql, events: readonly AuditEvent[]): Promise<Map<string, SessionRow>> => {
  const ids = [...new Set(events.map((event) => event.subject))];
  const found = await sql.among<Record<string, unknown>>('SELECT * FROM chat_session', 'conversation_id', ids);
  return new Map(found.map((raw) => rowOf(SESSION, raw)).map((row) => [row.conversationId, row]));
};
