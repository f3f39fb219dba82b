import type { DataSource } from 'typeorm';
import type { TrailEntry, TrailPage } from '@runnel/protocol/http';
import { fromCursor, toCursor } from './cursor.ts';
import { dialectOf, Sql, type Value } from '../database/sql.ts';
import { AUDIT, rowOf } from '../database/tables.ts';
import { personsOf } from '../persons/names.ts';
import { isPseudonym } from '@runnel/protocol/audit';
import { renameRow } from '../persons/pseudonym.ts';
import { personsNamed } from '../persons/resolve.ts';

export interface TrailQuery {
  conversationId?: string;
  userId?: string;
  /** Times in ms: from, inclusive, to, exclusive. */
  from?: number;
  to?: number;
  after?: string;
  limit: number;
}

/** Who asked, what was answered, when, by which model and pod: in the order in which it happened. */
export class Trail {
  readonly #sql: Sql;

  constructor(database: DataSource) {
    this.#sql = new Sql(dialectOf(database), database);
  }

  async page(query: TrailQuery): Promise<TrailPage> {
    const values: Value[] = [query.limit + 1];
    const where: string[] = [];
    const and = (condition: (place: string) => string, value: Value): void => {
      values.push(value);
      where.push(condition(`$${values.length}`));
    };
    if (query.conversationId !== undefined) and((p) => `a.conversation_id = ${p}`, query.conversationId);
    const person = query.userId === undefined ? undefined : await this.#personOf(query.userId);
    if (query.from !== undefined) and((p) => `a.time >= ${p}`, query.from);
    if (query.to !== undefined) and((p) => `a.time < ${p}`, query.to);
    if (query.after !== undefined) {
      const [time, logId, sequence] = fromCursor(query.after, ['number', 'string', 'number']) as [number, string, number];
      values.push(time, logId, sequence);
      const n = values.length;
      where.push(`(a.time, a.log_id, a.sequence) > ($${n - 2}, $${n - 1}, $${n})`);
    }
    const ORDER = 'ORDER BY a.time, a.log_id, a.sequence LIMIT $1';
    // One part for each name of the person, so that each walks along its index.
    const parts = (person ?? [null]).map((name) => {
      if (name !== null) values.push(name);
      const all = name === null ? where : [...where, `a.user_id = $${values.length}`];
      return `SELECT * FROM (SELECT a.* FROM audit_log a ${all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''} ${ORDER}) AS of_name`;
    });
    const found =
      parts.length === 0
        ? []
        : await this.#sql.query<Record<string, unknown>>(
            `SELECT a.*, c.hash FROM (${parts.join(' UNION ALL ')}) AS a
             LEFT JOIN audit_chain c ON c.log_id = a.log_id AND c.sequence = a.sequence ${ORDER}`,
            values,
          );
    const rows = found.slice(0, query.limit).map((raw) => ({ raw, row: rowOf(AUDIT, raw) }));
    const persons = await personsOf(
      this.#sql,
      rows.map(({ row }) => row),
    );
    const events = rows.map(({ raw, row }): TrailEntry => {
      const people = new Map<string, string>();
      const named = renameRow(row, (name) => {
        const userId = persons.get(name)?.userId ?? null;
        if (userId !== null) people.set(userId, name);
        return userId ?? name;
      });
      return { ...named, hash: typeof raw['hash'] === 'string' ? raw['hash'] : null, people: Object.fromEntries(people) };
    });
    const last = events.at(-1);
    return { events, next: found.length > query.limit && last ? toCursor([last.time, last.logId, last.sequence]) : null };
  }

  /** What the trail calls somebody: by a pseudonym, and by the id in rows of 0.1.0. */
  async #personOf(userId: string): Promise<string[]> {
    const pseudonym = (await personsNamed(this.#sql, [userId])).get(userId);
    return [...(pseudonym === undefined ? [] : [pseudonym]), ...(isPseudonym(userId) ? [] : [userId])];
  }
}
