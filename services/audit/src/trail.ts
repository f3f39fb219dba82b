import type { DataSource } from 'typeorm';
import type { TrailEntry, TrailPage } from '@runnel/protocol/http';
import { fromCursor, toCursor } from './cursor.ts';
import { dialectOf, Sql, type Value } from './database/sql.ts';
import { AUDIT, rowOf } from './database/tables.ts';

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
    if (query.userId !== undefined) and((p) => `a.user_id = ${p}`, query.userId);
    if (query.from !== undefined) and((p) => `a.time >= ${p}`, query.from);
    if (query.to !== undefined) and((p) => `a.time < ${p}`, query.to);
    if (query.after !== undefined) {
      const [time, logId, sequence] = fromCursor(query.after, ['number', 'string', 'number']) as [number, string, number];
      values.push(time, logId, sequence);
      const n = values.length;
      where.push(`(a.time, a.log_id, a.sequence) > ($${n - 2}, $${n - 1}, $${n})`);
    }
    const found = await this.#sql.query<Record<string, unknown>>(
      `SELECT a.*, c.hash FROM audit_log a LEFT JOIN audit_chain c ON c.log_id = a.log_id AND c.sequence = a.sequence
       ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
       ORDER BY a.time, a.log_id, a.sequence LIMIT $1`,
      values,
    );
    const events = found
      .slice(0, query.limit)
      .map((raw): TrailEntry => ({ ...rowOf(AUDIT, raw), hash: typeof raw['hash'] === 'string' ? raw['hash'] : null }));
    const last = events.at(-1);
    return { events, next: found.length > query.limit && last ? toCursor([last.time, last.logId, last.sequence]) : null };
  }
}
