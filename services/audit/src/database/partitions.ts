import type { DataSource, EntityManager } from 'typeorm';
import { cutAt, markOf } from '../proof/cuts.ts';
import { dialectOf, Sql } from './sql.ts';
import { inTurn } from './turns.ts';

export interface Month {
  table: string;
  /** Bounds in ms: from, inclusive, to, exclusive. */
  from: number;
  to: number;
}

/** The month of a time, as the partition of the audit log that holds it. Pure. */
export const monthOf = (time: number): Month => {
  const date = new Date(time);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    table: `audit_log_y${year}m${String(month + 1).padStart(2, '0')}`,
    from: Date.UTC(year, month, 1),
    to: Date.UTC(year, month + 1, 1),
  };
};

const DDL_LOCK = 7_201_104;

/** Within a transaction. */
export const makeMonth = async (tx: Pick<EntityManager, 'query'>, { table, from, to }: Month): Promise<void> => {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [DDL_LOCK]);
  await tx.query(`CREATE TABLE IF NOT EXISTS ${table} PARTITION OF audit_log FOR VALUES FROM (${from}) TO (${to})`);
};

/** Makes and drops the months of the audit log (PostgreSQL); SQLite holds them in one table. */
export class Partitions {
  readonly #database: DataSource;
  readonly #known = new Set<string>();

  constructor(database: DataSource) {
    this.#database = database;
  }

  async ensure(times: readonly number[]): Promise<void> {
    if (dialectOf(this.#database) !== 'postgres') return;
    for (const month of new Map(times.map((time) => monthOf(time)).map((m) => [m.table, m])).values()) {
      if (this.#known.has(month.table)) continue;
      await this.#database.transaction(async (tx) => {
        // Asked first: a role that may only write finds what the migration has made.
        const [found] = (await tx.query('SELECT to_regclass($1) AS there', [month.table])) as { there: string | null }[];
        if (found?.there) return;
        await makeMonth(tx, month);
      });
      this.#known.add(month.table);
    }
  }

  /** Makes this month and the coming ones, for a role that may write and not create. */
  async makeAhead(now: number, months: number): Promise<void> {
    const date = new Date(now);
    const times = Array.from({ length: months + 1 }, (_, i) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + i, 1));
    await this.ensure(times);
  }

  /** Drops what is wholly older than `before` (ms), and notes it so that `verify` knows a gap from a removal. Returns tables or rows. */
  retire(before: number): Promise<number> {
    return inTurn(this.#database, () => this.#retire(before));
  }

  async #retire(before: number): Promise<number> {
    const sql = new Sql(dialectOf(this.#database), this.#database);
    // Whole months only, on both: one rule to explain.
    const { from } = monthOf(before);
    const now = Date.now();
    await this.ensure([now]);
    // Before anything goes, and with a link of its own: `verify` takes what lacks up to here, and no more, for removed by retention.
    await this.#database.transaction((tx) => cutAt(new Sql(sql.dialect, tx), from, now));
    if (sql.dialect === 'sqlite') {
      const [found] = await sql.query<{ n: number }>('SELECT count(*) AS n FROM audit_log WHERE time < $1', [from]);
      await sql.query('DELETE FROM audit_log WHERE time < $1', [from]);
      return Number(found?.n ?? 0);
    }
    const tables = await sql.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit_log'::regclass`,
    );
    const { table } = monthOf(from);
    // The names sort by time.
    const old = tables.map(({ name }) => name).filter((name) => name < table);
    // Each for itself: one that cannot go (somebody's view stands on it) keeps no other.
    const errors: unknown[] = [];
    for (const name of old) {
      try {
        await sql.query(`DROP TABLE IF EXISTS ${name}`);
        this.#known.delete(name);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0)
      throw new AggregateError(errors, `${errors.length} of ${old.length} old months cannot be removed: ${String(errors[0])}`);
    return old.length;
  }

  /** Times before this were removed by retention; 0: never. */
  retiredBefore(): Promise<number> {
    return markOf(new Sql(dialectOf(this.#database), this.#database));
  }
}
