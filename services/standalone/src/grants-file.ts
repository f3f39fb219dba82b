import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { KeptGrants } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { KeptGrantList, parseBody, type KeptGrant } from '@runnel/protocol/http';

export interface GrantsFileOptions {
  file: string;
  log: Logger;
}

const readLeft = ({ file, log }: GrantsFileOptions): readonly KeptGrant[] => {
  try {
    return parseBody(KeptGrantList, JSON.parse(readFileSync(file, 'utf8')));
  } catch (err) {
    // Somebody has changed it: nobody is let in by what cannot be read, and the rest works.
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ event: 'grants-file.unreadable', err });
    return [];
  }
};

/** Whole or not at all: a process that is killed leaves the file of before. */
const replace = async (file: string, text: string): Promise<void> => {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
};

/** Keys and sessions of `npm start` on disk, as digests. A disk that refuses fails what was asked for: a key that was ended must not come back. */
export const openGrantsFile = (options: GrantsFileOptions): KeptGrants & { close(): Promise<void> } => {
  const { file, log } = options;
  let current: Promise<void> = Promise.resolve();
  /** Waits for the write that goes on; all that comes meanwhile is one. */
  let next: Promise<void> | null = null;
  return {
    left: readLeft(options),
    keep(all) {
      next ??= current
        .catch(() => undefined)
        .then(() => {
          next = null;
          return replace(file, JSON.stringify(all()));
        })
        .catch((cause: unknown) => {
          log.warn({ event: 'grants-file.failed', err: cause });
          throw new RunnelError('unavailable', 'The data folder cannot be written to.', { cause });
        });
      current = next;
      return next;
    },
    close: () => current.catch(() => undefined),
  };
};
