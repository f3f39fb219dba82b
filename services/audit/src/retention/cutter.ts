import type { DataSource } from 'typeorm';
import { Partitions } from '../database/partitions.ts';
import { dialectOf, Sql } from '../database/sql.ts';
import { inTurn } from '../database/turns.ts';
import { cutRuns, type RunsCut } from './cut-runs.ts';
import { cutTexts, type TextsCut } from './cut-texts.ts';
import { CUTTING } from './not-held.ts';

/** Sooner than PostgreSQL looks for a deadlock (1 s): it is this transaction that gives way, never a writer's. */
const LOCK_MS = 500;
const STATEMENT_MS = 10_000;

/** Batches of retention, each a short transaction that no writer waits long for. */
export class Cutter {
  readonly #database: DataSource;
  readonly #partitions: Partitions;

  constructor(database: DataSource) {
    this.#database = database;
    this.#partitions = new Partitions(database);
  }

  /** @see cutTexts; null: another process is at it */
  texts(before: number, from: number, now: number): Promise<TextsCut | null> {
    return this.#batch(now, (sql) => cutTexts(sql, { before, from, now }));
  }

  /** @see cutRuns; null: another process is at it */
  runs(before: number, now: number): Promise<RunsCut | null> {
    return this.#batch(now, (sql) => cutRuns(sql, { before, now }));
  }

  /** What was removed is in no journal of SQLite any more. */
  async forgetJournal(): Promise<void> {
    if (dialectOf(this.#database) === 'sqlite') await inTurn(this.#database, () => this.#database.query('PRAGMA wal_checkpoint(TRUNCATE)'));
  }

  #batch<T>(now: number, work: (sql: Sql) => Promise<T>): Promise<T | null> {
    const dialect = dialectOf(this.#database);
    return inTurn(this.#database, async () => {
      await this.#partitions.ensure([now]);
      return this.#database.transaction(async (tx) => {
        const sql = new Sql(dialect, tx);
        if (dialect === 'postgres') {
          await tx.query(`SET LOCAL lock_timeout = ${LOCK_MS}; SET LOCAL statement_timeout = ${STATEMENT_MS}`);
          const [mine] = await sql.query<{ got: boolean }>(`SELECT pg_try_advisory_xact_lock(${CUTTING}) AS got`);
          if (!mine?.got) return null;
        }
        return work(sql);
      });
    });
  }
}
