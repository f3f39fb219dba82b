import type { DataSource, EntityManager } from 'typeorm';

export type Runner = Pick<EntityManager, 'query'> & { connection?: DataSource };
export type Dialect = 'postgres' | 'sqlite';
export type Value = string | number | null;
/** By property, the column's name and its PostgreSQL type. */
export type Columns<Row> = { readonly [K in keyof Row]-?: readonly [name: string, type: 'text' | 'bigint'] };

export const dialectOf = (database: DataSource): Dialect => (database.options.type === 'postgres' ? 'postgres' : 'sqlite');

/** Well under SQLite's limit of 32,766 parameters for the widest table. */
const ROWS = 500;

const ESCAPE = '\uE000';
/** PostgreSQL cannot hold U+0000 in a text, and a model may say it: written as U+E000 and `0`, and U+E000 twice for itself. */
export const toStored = (text: string): string =>
  text.includes('\0') || text.includes(ESCAPE) ? text.replaceAll(ESCAPE, ESCAPE + ESCAPE).replaceAll('\0', `${ESCAPE}0`) : text;
export const fromStored = (text: string): string =>
  text.includes(ESCAPE) ? text.replace(/\uE000(\uE000|0)/g, (_, what: string) => (what === '0' ? '\0' : ESCAPE)) : text;

/** `$1`, `$2` … for PostgreSQL become `?1`, `?2` … for SQLite: both may repeat a parameter. */
export const place = (dialect: Dialect, sql: string): string => (dialect === 'postgres' ? sql : sql.replace(/\$(\d+)/g, '?$1'));

export class Sql {
  readonly dialect: Dialect;
  readonly #runner: Pick<EntityManager, 'query'>;

  constructor(dialect: Dialect, runner: Pick<EntityManager, 'query'>) {
    this.dialect = dialect;
    this.#runner = runner;
  }

  async query<T = Record<string, unknown>>(sql: string, parameters: readonly Value[] = []): Promise<T[]> {
    const result: unknown = await this.#runner.query(place(this.dialect, sql), [...parameters]);
    return Array.isArray(result) ? (result as T[]) : [];
  }

  /** Rows where `column` is one of `values`; `rest` goes on with the statement. */
  async among<T>(sql: string, values: readonly Value[], rest = ''): Promise<T[]> {
    const found: T[] = [];
    for (let i = 0; i < values.length; i += ROWS * 10) {
      const part = values.slice(i, i + ROWS * 10);
      found.push(...(await this.query<T>(`${sql} (${part.map((_, n) => `$${n + 1}`).join(', ')}) ${rest}`, part)));
    }
    return found;
  }

  /** Rows of a table where two columns are one of these pairs: by the index over both, whatever the table's size. */
  async amongPairs<T>(table: string, columns: readonly [string, string], pairs: readonly (readonly [string, string])[]): Promise<T[]> {
    const found: T[] = [];
    const on = `t.${columns[0]} = k.a AND t.${columns[1]} = k.b`;
    for (let i = 0; i < pairs.length; i += ROWS * 10) {
      const part = pairs.slice(i, i + ROWS * 10);
      const [sql, parameters] =
        this.dialect === 'postgres'
          ? [
              `SELECT t.* FROM unnest($1::text[], $2::text[]) AS k(a, b) JOIN ${table} t ON ${on}`,
              [part.map(([a]) => a), part.map(([, b]) => b)],
            ]
          : [
              `WITH k(a, b) AS (VALUES ${part.map(() => '(?, ?)').join(', ')}) SELECT t.* FROM k CROSS JOIN ${table} t ON ${on}`,
              part.flat(),
            ];
      found.push(...((await this.#runner.query(sql, parameters as unknown[])) as T[]));
    }
    return found;
  }

  /** Inserts many rows; `conflict` is what follows `ON CONFLICT`. Returns what `returning` asks for. */
  async insert<Row extends object>(
    table: string,
    columns: Columns<Row>,
    rows: readonly Row[],
    conflict: string,
    returning = '',
    /** Expressions around a column's value (PostgreSQL). */
    wrap: { readonly [K in keyof Row]?: (value: string) => string } = {},
  ): Promise<Record<string, unknown>[]> {
    const fields = Object.entries(columns) as [keyof Row, Columns<Row>[keyof Row]][];
    const head = `INSERT INTO ${table} (${fields.map(([, [name]]) => name).join(', ')})`;
    const tail = `ON CONFLICT ${conflict}${returning && ` RETURNING ${returning}`}`;
    const given: Record<string, unknown>[] = [];
    for (let i = 0; i < rows.length; i += ROWS) {
      const part = rows.slice(i, i + ROWS);
      // One array a column keeps PostgreSQL's statement the same for any number of rows, so that it is planned once.
      const [sql, parameters] =
        this.dialect === 'postgres'
          ? [
              `${head} SELECT ${fields.map(([key], n) => wrap[key]?.(`v.c${n}`) ?? `v.c${n}`).join(', ')} FROM unnest(${fields
                .map(([, [, type]], n) => `$${n + 1}::${type}[]`)
                .join(', ')}) AS v(${fields.map((_, n) => `c${n}`).join(', ')}) ${tail}`,
              fields.map(([key]) => part.map((row) => row[key])),
            ]
          : [
              `${head} VALUES ${part.map(() => `(${fields.map(() => '?').join(', ')})`).join(', ')} ${tail}`,
              part.flatMap((row) => fields.map(([key]) => row[key])),
            ];
      const result: unknown = await this.#runner.query(sql, parameters as unknown[]);
      if (returning !== '' && Array.isArray(result)) given.push(...(result as Record<string, unknown>[]));
    }
    return given;
  }
}
