import type pg from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { copyIn, copyText } from './copy.ts';
import { unlocked } from './turns.ts';

/** The database, or a transaction in it: that has a connection of its own, `queryRunner`. */
export type Runner = Pick<EntityManager, 'query' | 'queryRunner'>;
export type Dialect = 'postgres' | 'sqlite';
export type Value = string | number | null;
/** By property, the column's name and its PostgreSQL type. */
export type Columns<Row> = { readonly [K in keyof Row]-?: readonly [name: string, type: 'text' | 'bigint' | 'tsvector'] };

export const dialectOf = (database: DataSource): Dialect => (database.options.type === 'postgres' ? 'postgres' : 'sqlite');

/** Well under SQLite's limit of 32,766 parameters for the widest table; PostgreSQL gets one array a column, however long. */
const ROWS = 500;
const ROWS_OF_ARRAYS = 5_000;

const ESCAPE = '\uE000';
/** PostgreSQL cannot hold U+0000 in a text, and a model may say it: written as U+E000 and `0`, and U+E000 twice for itself. */
export const toStored = (text: string): string =>
  text.includes('\0') || text.includes(ESCAPE) ? text.replaceAll(ESCAPE, ESCAPE + ESCAPE).replaceAll('\0', `${ESCAPE}0`) : text;
export const fromStored = (text: string): string =>
  text.includes(ESCAPE) ? text.replace(/\uE000(\uE000|0)/g, (_, what: string) => (what === '0' ? '\0' : ESCAPE)) : text;

/** `$1`, `$2` … for PostgreSQL become `?1`, `?2` … for SQLite: both may repeat a parameter. */
export const place = (dialect: Dialect, sql: string): string => (dialect === 'postgres' ? sql : sql.replace(/\$(\d+)/g, '?$1'));

/** What follows `ON CONFLICT`: a row with this key becomes the given one. */
export const upsert = (columns: object, key: string): string => {
  const keys = key.split(', ');
  const names = (Object.values(columns) as [string][]).map(([name]) => name).filter((name) => !keys.includes(name));
  return `(${key}) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`;
};

export class Sql {
  readonly dialect: Dialect;
  readonly #runner: Runner;

  constructor(dialect: Dialect, runner: Runner) {
    this.dialect = dialect;
    this.#runner = runner;
  }

  async query<T = Record<string, unknown>>(sql: string, parameters: readonly Value[] = []): Promise<T[]> {
    const result = await this.#ask(place(this.dialect, sql), parameters);
    return Array.isArray(result) ? (result as T[]) : [];
  }

  /** Within a transaction it is the transaction that is tried again. */
  #ask(sql: string, parameters: readonly unknown[]): Promise<unknown> {
    const ask = (): Promise<unknown> => this.#runner.query(sql, [...parameters]);
    return this.dialect === 'sqlite' && !this.#runner.queryRunner ? unlocked(ask) : ask();
  }

  /** What `select` gives where `column` is one of `values`. */
  async among<T>(select: string, column: string, values: readonly string[]): Promise<T[]> {
    const found: T[] = [];
    for (let i = 0; i < values.length; i += ROWS_OF_ARRAYS) {
      const part = values.slice(i, i + ROWS_OF_ARRAYS);
      const [where, parameters] =
        this.dialect === 'postgres' ? [`${column} = ANY ($1)`, [part]] : [`${column} IN (${part.map(() => '?').join(', ')})`, part];
      found.push(...((await this.#ask(`${select} WHERE ${where}`, parameters as unknown[])) as T[]));
    }
    return found;
  }

  /** Rows of a table where two columns are one of these pairs: by the index over both, whatever the table's size. */
  async amongPairs<T>(
    table: string,
    columns: readonly [string, string],
    pairs: readonly (readonly [string, string | number])[],
  ): Promise<T[]> {
    const found: T[] = [];
    const on = `t.${columns[0]} = k.a AND t.${columns[1]} = k.b`;
    const type = typeof pairs[0]?.[1] === 'number' ? 'bigint' : 'text';
    for (let i = 0; i < pairs.length; i += ROWS_OF_ARRAYS) {
      const part = pairs.slice(i, i + ROWS_OF_ARRAYS);
      const [sql, parameters] =
        this.dialect === 'postgres'
          ? [
              `SELECT t.* FROM unnest($1::text[], $2::${type}[]) AS k(a, b) JOIN ${table} t ON ${on}`,
              [part.map(([a]) => a), part.map(([, b]) => b)],
            ]
          : [
              `WITH k(a, b) AS (VALUES ${part.map(() => '(?, ?)').join(', ')}) SELECT t.* FROM k CROSS JOIN ${table} t ON ${on}`,
              part.flat(),
            ];
      found.push(...((await this.#ask(sql, parameters as unknown[])) as T[]));
    }
    return found;
  }

  /** Removes the rows where two columns are one of these pairs. */
  async removePairs(table: string, columns: readonly [string, string], pairs: readonly (readonly [string, string])[]): Promise<void> {
    for (let i = 0; i < pairs.length; i += ROWS_OF_ARRAYS) {
      const part = pairs.slice(i, i + ROWS_OF_ARRAYS);
      if (this.dialect === 'postgres')
        await this.#ask(
          `DELETE FROM ${table} t USING unnest($1::text[], $2::text[]) AS k(a, b) WHERE t.${columns[0]} = k.a AND t.${columns[1]} = k.b`,
          [part.map(([a]) => a), part.map(([, b]) => b)],
        );
      else
        await this.#ask(
          `DELETE FROM ${table} WHERE (${columns.join(', ')}) IN (VALUES ${part.map(() => '(?, ?)').join(', ')})`,
          part.flat(),
        );
    }
  }

  /** Adds rows that are not there yet; within a transaction of PostgreSQL by COPY, which costs half of an insert. */
  async append<Row extends object>(table: string, columns: Columns<Row>, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    if (this.dialect === 'sqlite' || !this.#runner.queryRunner) {
      await this.insert(table, columns, rows, '');
      return;
    }
    const names = (Object.values(columns) as Columns<Row>[keyof Row][]).map(([name]) => name);
    const client = (await this.#runner.queryRunner.connect()) as pg.ClientBase;
    const text = copyText(rows, Object.keys(columns) as (keyof Row)[]);
    await copyIn(client, `COPY ${table} (${names.join(', ')}) FROM STDIN`, text);
  }

  /** Inserts many rows; `conflict` is what follows `ON CONFLICT`, or nothing: then a row that is there already is an error. */
  async insert<Row extends object>(table: string, columns: Columns<Row>, rows: readonly Row[], conflict = ''): Promise<void> {
    const fields = Object.entries(columns) as [keyof Row, Columns<Row>[keyof Row]][];
    const head = `INSERT INTO ${table} (${fields.map(([, [name]]) => name).join(', ')})`;
    const tail = conflict && `ON CONFLICT ${conflict}`;
    const most = this.dialect === 'sqlite' ? ROWS : ROWS_OF_ARRAYS;
    for (let i = 0; i < rows.length; i += most) {
      const part = rows.slice(i, i + most);
      if (this.dialect === 'sqlite') {
        const places = part.map(() => `(${fields.map(() => '?').join(', ')})`).join(', ');
        await this.#runner.query(
          `${head} VALUES ${places} ${tail}`,
          part.flatMap((row) => fields.map(([key]) => row[key])),
        );
        continue;
      }
      // One array a column keeps the statement the same for any number of rows. There is no array of `tsvector` from text.
      const values = fields.map(([, [, type]], n) => (type === 'tsvector' ? `v.c${n}::tsvector` : `v.c${n}`));
      const arrays = fields.map(([, [, type]], n) => `$${n + 1}::${type === 'tsvector' ? 'text' : type}[]`);
      const from = `unnest(${arrays.join(', ')}) AS v(${fields.map((_, n) => `c${n}`).join(', ')})`;
      await this.#runner.query(
        `${head} SELECT ${values.join(', ')} FROM ${from} ${tail}`,
        fields.map(([key]) => part.map((row) => row[key])),
      );
    }
  }
}
