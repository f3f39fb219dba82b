import { createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigError, newInnerToken } from '@runnel/kit';

const SQLITE_BUSY = 5;
/** What people wrote is in it: other users of the machine have no business there. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Of 0.1.0 everybody could read them. SQLite gives its side files the mode of the file. */
const FILES = ['runnel', 'running'].flatMap((name) => ['', '-wal', '-shm', '-journal'].map((end) => `${name}.sqlite${end}`));

/** The umask of the process makes new files private; those that are there are made so. */
const keepPrivate = (folder: string): void => {
  for (const file of ['runnel.lock', ...FILES]) {
    try {
      chmodSync(join(folder, file), PRIVATE_FILE);
    } catch {
      // Not there yet, or another's: then it is the other's to say.
    }
  }
};

/** Signs the cookies of guests, who are the same people after a restart. */
const guestKeyOf = (folder: string): string => {
  const file = join(folder, 'guest.key');
  try {
    const known = readFileSync(file, 'utf8').trim();
    if (known.length >= 32) return known;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made = newInnerToken();
  writeFileSync(file, `${made}\n`, { mode: PRIVATE_FILE });
  return made;
};

/** Step by step: `recursive` never returns where a file system refuses new folders with ENOENT (/proc). */
const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { mode: PRIVATE_FOLDER });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (code === 'EEXIST' || code === 'ENOTDIR') throw new ConfigError([`DATA_DIR ${folder} is no folder`]);
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder, { mode: PRIVATE_FOLDER });
  }
};

export interface ClaimedFolder {
  guestKey: string;
  /** The store's secrets, the same after a restart: a key of a request means the same run. */
  secretOf(name: string): string;
  close(): void;
}

/**
 * Makes the folder and keeps it for this process: two would answer from two memories and write one file. The lock is SQLite's own,
 * which the system gives back however the process ends.
 *
 * @throws ConfigError when it cannot be had
 */
export const claimFolder = (folder: string): ClaimedFolder => {
  process.umask(0o077);
  makeFolder(folder);
  const lock = new DatabaseSync(join(folder, 'runnel.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) throw new ConfigError([`DATA_DIR ${folder} is in use by another Runnel`]);
    throw error;
  }
  keepPrivate(folder);
  const guestKey = guestKeyOf(folder);
  const secretOf = (name: string): string => createHmac('sha256', guestKey).update(`secret:${name}`).digest('base64url');
  return { guestKey, secretOf, close: () => lock.close() };
};
