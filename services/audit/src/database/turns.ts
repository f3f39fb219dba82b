import { delay, fullJitter } from '@runnel/kit';
import type { DataSource } from 'typeorm';

/** SQLITE_BUSY and SQLITE_LOCKED. */
const LOCKED = new Set([5, 6]);
/** A file that is locked for longer is a database that is away: the caller is told, and its outbox keeps the events. */
const PATIENCE_MS = 2_000;

const isLocked = (error: unknown): boolean => {
  const { errcode = 0 } = ((error as { driverError?: unknown }).driverError ?? error) as { errcode?: number };
  return LOCKED.has(errcode & 0xff);
};

/** Asks again while the file is locked: a read, or a whole transaction; what was refused has changed nothing. */
export const unlocked = async <T>(work: () => Promise<T>): Promise<T> => {
  const until = performance.now() + PATIENCE_MS;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error) || performance.now() >= until) throw error;
      await delay(10 + fullJitter({ attempt, baseMs: 20, maxMs: 200 }));
    }
  }
};

const last = new WeakMap<DataSource, Promise<unknown>>();

/**
 * Runs what writes. SQLite has one connection, on which a statement of one caller would be part of another's transaction and be
 * rolled back with it: there writers take turns. Each caller waits for its own turn, so the queue is as long as they are many.
 */
export const inTurn = <T>(database: DataSource, write: () => Promise<T>): Promise<T> => {
  if (database.options.type === 'postgres') return write();
  const mine = (last.get(database) ?? Promise.resolve()).then(() => unlocked(write));
  last.set(
    database,
    mine.catch(() => undefined),
  );
  return mine;
};
