import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/**
 * How long a statement waits for another process's lock. It waits in the event loop, where answers would stand still with it, so whatever
 * takes longer is asked again from outside (`inTurn`).
 */
const BUSY_MS = 20;

/**
 * `node:sqlite` with the face of better-sqlite3, as far as TypeORM's driver looks at it: no native module to compile.
 * Rows come as plain objects, integers as numbers (our largest is a time in milliseconds).
 */
export class NodeSqlite {
  readonly #database: DatabaseSync;

  constructor(path: string, options: { readonly?: boolean; timeout?: number } = {}) {
    this.#database = new DatabaseSync(path, { readOnly: options.readonly ?? false, timeout: options.timeout ?? BUSY_MS });
    // Erased means erased: SQLite writes zeros over what is deleted instead of only forgetting where it was.
    if (!options.readonly) this.#database.exec('PRAGMA secure_delete = ON');
  }

  prepare(sql: string): Statement {
    return new Statement(this.#database, sql);
  }

  exec(sql: string): this {
    this.#database.exec(sql);
    return this;
  }

  pragma(source: string): unknown[] {
    return this.#database.prepare(`PRAGMA ${source}`).all();
  }

  function(name: string, body: (...args: SQLInputValue[]) => SQLInputValue): this {
    this.#database.function(name, { deterministic: true }, body);
    return this;
  }

  close(): void {
    this.#database.close();
  }
}

class Statement {
  readonly #database: DatabaseSync;
  readonly #statement: StatementSync;
  readonly #rollback: boolean;
  /** Whether the statement gives rows: TypeORM then calls `all`, else `run`. */
  readonly reader: boolean;

  constructor(database: DatabaseSync, sql: string) {
    this.#database = database;
    this.#statement = database.prepare(sql);
    this.#rollback = sql === 'ROLLBACK';
    this.reader = this.#statement.columns().length > 0;
  }

  all(...parameters: SQLInputValue[]): unknown[] {
    return this.#statement.all(...parameters).map((row) => ({ ...row }));
  }

  run(...parameters: SQLInputValue[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    // A full disk makes SQLite roll back by itself. TypeORM rolls back all the same, and would take a refusal for a transaction that
    // still stands: every later one would be nested in it and never be committed.
    if (this.#rollback && !this.#database.isTransaction) return { changes: 0, lastInsertRowid: 0 };
    return this.#statement.run(...parameters);
  }
}
