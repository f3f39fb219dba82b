import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { FilesNeeded, Hold, HoldWish } from '@runnel/protocol/http';
import { Partitions } from '../database/partitions.ts';
import { HELD, HOLD, type HeldRow, type HoldRow } from '../database/retention-tables.ts';
import { dialectOf, fromStored, Sql } from '../database/sql.ts';
import { rowOf } from '../database/tables.ts';
import { inTurn } from '../database/turns.ts';
import { addPersons, personsNamed } from '../persons/resolve.ts';
import { appendAct, nextAct } from '../read/admin-log.ts';
import { neededFiles } from './needed-files.ts';
import { notHeld } from './not-held.ts';

type Raw = Record<string, unknown>;

/** Of what people deleted, in one answer. */
const PAGE = 200;

const shown = ({ holdId, kind, subject, matter, since }: HoldRow): Hold => ({
  hold: holdId,
  ...(kind === 'user' ? { user: subject } : { conversation: subject }),
  ...(matter !== '' && { matter }),
  since,
});

/** Whether nothing of this person may go. */
export const isHeld = async (sql: Sql, userId: string): Promise<boolean> => {
  const [found] = await sql.query(
    `SELECT 1 FROM legal_hold h WHERE (h.kind = 'user' AND h.subject = $1) OR (h.kind = 'conversation' AND EXISTS (
       SELECT 1 FROM chat_session s WHERE s.conversation_id = h.subject AND s.user_id = $1)) LIMIT 1`,
    [userId],
  );
  return found !== undefined;
};

const nameOf = async (sql: Sql, userId: string): Promise<string> =>
  (await personsNamed(sql, [userId])).get(userId) ?? (await addPersons(sql, [userId])).get(userId)!;

/** Legal holds: what they name is kept, whatever retention, its owner or an erasure say. Setting and ending one is in the trail. */
export class Holds {
  readonly #database: DataSource;
  readonly #sql: Sql;

  constructor(database: DataSource) {
    this.#database = database;
    this.#sql = new Sql(dialectOf(database), database);
  }

  async list(): Promise<Hold[]> {
    const found = await this.#sql.query<Raw>('SELECT * FROM legal_hold ORDER BY since, hold_id');
    return found.map((raw) => shown(rowOf(HOLD, raw)));
  }

  async count(): Promise<number> {
    const [found] = await this.#sql.query<{ n: string | number }>('SELECT count(*) AS n FROM legal_hold');
    return Number(found?.n ?? 0);
  }

  isHeld(userId: string): Promise<boolean> {
    return isHeld(this.#sql, userId);
  }

  /** @see neededFiles */
  neededFiles(userId: string, files: readonly string[]): Promise<FilesNeeded> {
    return neededFiles(this.#sql, userId, files);
  }

  async set({ admin, user, conversation, matter = '' }: HoldWish, now = Date.now()): Promise<Hold> {
    return this.#act(now, async (sql, act) => {
      const kind = user === undefined ? 'conversation' : 'user';
      const row: HoldRow = { holdId: randomUUID(), kind, subject: (user ?? conversation)!, matter, since: now, act };
      const userId = await nameOf(sql, admin);
      const query = JSON.stringify({ hold: row.holdId, ...(matter !== '' && { matter }) });
      const target = user === undefined ? undefined : await nameOf(sql, user);
      await sql.insert('legal_hold', HOLD, [row]);
      await appendAct(sql, act, { type: 'HOLD_SET', userId, data: { userId, target, conversation, query }, time: now });
      return shown(row);
    });
  }

  /** What was deleted meanwhile, and is held by nothing else, goes with it. Resolves to whether there was such a hold. */
  async end(holdId: string, admin: string, now = Date.now()): Promise<boolean> {
    return this.#act(now, async (sql, act) => {
      const [row] = (await sql.query<Raw>('SELECT * FROM legal_hold WHERE hold_id = $1', [holdId])).map((raw) => rowOf(HOLD, raw));
      if (!row) return false;
      const userId = await nameOf(sql, admin);
      const whose = row.kind === 'user' ? { target: await nameOf(sql, row.subject) } : { conversation: row.subject };
      await sql.query('DELETE FROM legal_hold WHERE hold_id = $1', [holdId]);
      await sql.query(`DELETE FROM held_row WHERE ${notHeld('held_row')}`);
      await appendAct(sql, act, {
        type: 'HOLD_ENDED',
        userId,
        data: { userId, ...whose, query: JSON.stringify({ hold: holdId }) },
        time: now,
      });
      return true;
    });
  }

  /** What people deleted while it was held by this one, oldest first; null: there is no such hold. */
  async kept(holdId: string, skip = 0): Promise<{ rows: HeldRow[]; hasMore: boolean } | null> {
    const [row] = (await this.#sql.query<Raw>('SELECT * FROM legal_hold WHERE hold_id = $1', [holdId])).map((raw) => rowOf(HOLD, raw));
    if (!row) return null;
    const of = row.kind === 'user' ? '(SELECT conversation_id FROM chat_session WHERE user_id = $1)' : '($1)';
    const found = await this.#sql.query<Raw>(
      `SELECT * FROM held_row WHERE conversation_id IN ${of} ORDER BY position, conversation_id, kind, name LIMIT ${PAGE + 1} OFFSET $2`,
      [row.subject, skip],
    );
    const rows = found.slice(0, PAGE).map((raw) => rowOf(HELD, raw));
    return { rows: rows.map((held) => ({ ...held, body: fromStored(held.body) })), hasMore: found.length > PAGE };
  }

  #act<T>(now: number, work: (sql: Sql, act: number) => Promise<T>): Promise<T> {
    return inTurn(this.#database, async () => {
      await new Partitions(this.#database).ensure([now]);
      return this.#database.transaction(async (tx) => {
        const sql = new Sql(dialectOf(this.#database), tx);
        // No batch of retention is under way from here on.
        return work(sql, await nextAct(sql));
      });
    });
  }
}
