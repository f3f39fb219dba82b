import type { DataSource } from 'typeorm';
import { dialectOf } from './sql.ts';

const last = new WeakMap<DataSource, Promise<unknown>>();

/**
 * Runs what writes. SQLite has one connection, on which a statement of one caller would be part of another's transaction and be
 * rolled back with it: there writers take turns. Each caller waits for its own turn, so the queue is as long as they are many.
 */
export const inTurn = <T>(database: DataSource, write: () => Promise<T>): Promise<T> => {
  if (dialectOf(database) === 'postgres') return write();
  const mine = (last.get(database) ?? Promise.resolve()).then(write);
  last.set(
    database,
    mine.catch(() => undefined),
  );
  return mine;
};
