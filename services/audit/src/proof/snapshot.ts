import type { DataSource } from 'typeorm';
import { dialectOf, Sql } from '../database/sql.ts';
import { inTurn } from '../database/turns.ts';

/** Reads one moment of the database, whoever writes meanwhile; the right to read is enough. */
export const inSnapshot = <T>(database: DataSource, read: (sql: Sql) => Promise<T>): Promise<T> => {
  const dialect = dialectOf(database);
  if (dialect === 'sqlite') return inTurn(database, () => database.transaction((tx) => read(new Sql(dialect, tx))));
  return database.transaction('REPEATABLE READ', async (tx) => {
    await tx.query('SET TRANSACTION READ ONLY');
    return read(new Sql(dialect, tx));
  });
};
