import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigError } from '@runnel/kit';

const SQLITE_BUSY = 5;

/** Step by step: `recursive` never returns where a file system refuses new folders with ENOENT (/proc). */
const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (code === 'EEXIST' || code === 'ENOTDIR') throw new ConfigError([`DATA_DIR ${folder} is no folder`]);
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder);
  }
};

/**
 * Makes the folder and keeps it for this process: two would answer from two memories and write one file. The lock is SQLite's own,
 * which the system gives back however the process ends.
 *
 * @throws ConfigError when it cannot be had
 */
export const claimFolder = (folder: string): { close(): void } => {
  makeFolder(folder);
  const lock = new DatabaseSync(join(folder, 'runnel.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) throw new ConfigError([`DATA_DIR ${folder} is in use by another Runnel`]);
    throw error;
  }
  return { close: () => lock.close() };
};
