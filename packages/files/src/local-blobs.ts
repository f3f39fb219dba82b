import { randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { RunnelError } from '@runnel/protocol';
import { checkKey, type BlobInfo, type Blobs } from './blobs.ts';

/** Where objects are written before they have their names; no key begins with a dot. */
const UNNAMED = '.unnamed';

const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** A full disk, a folder that is not mounted any more: said as an outage, which it is. */
const orUnavailable = async <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (error instanceof RunnelError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new RunnelError('unavailable', 'The files’ store is down; try again soon.', { cause: error });
  });

/** Objects as files of a folder, which several processes may share. What is written is on the disk before it has its name. */
export const localBlobs = (folder: string): Blobs => {
  const pathOf = (key: string): string => join(folder, ...checkKey(key).split('/'));
  /** Calls back with the path of a file that has the bytes and no name yet. */
  const written = async (content: Uint8Array | { of: string }, named: (path: string) => Promise<void>): Promise<void> => {
    const path = join(folder, UNNAMED, randomUUID());
    await mkdir(dirname(path), { recursive: true });
    try {
      // One call for the file system, however long it is: piece by piece it is some thousand.
      if ('of' in content) await copyFile(content.of, path, constants.COPYFILE_EXCL);
      const file = await open(path, 'of' in content ? 'r+' : 'wx', 0o600);
      try {
        if (!('of' in content)) await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await named(path);
    } finally {
      await rm(path, { force: true });
    }
  };
  const walk = async (path: string, prefix: string): Promise<BlobInfo[]> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const found = await Promise.all(
      entries.map(async (entry): Promise<BlobInfo[]> => {
        const inner = join(path, entry.name);
        if (entry.isDirectory()) return walk(inner, `${prefix}${entry.name}/`);
        const size = await stat(inner).then(
          ({ size }) => size,
          () => null,
        );
        return size === null ? [] : [{ key: `${prefix}${entry.name}`, bytes: size }];
      }),
    );
    return found.flat();
  };

  const replace = async (key: string, content: Uint8Array | { of: string }): Promise<void> => {
    const path = pathOf(key);
    const name = async (from: string): Promise<void> => {
      await mkdir(dirname(path), { recursive: true });
      await rename(from, path);
    };
    await orUnavailable(written(content, name));
  };

  return {
    async putNew(key, bytes) {
      const path = pathOf(key);
      let isNew = true;
      const name = async (from: string): Promise<void> => {
        await mkdir(dirname(path), { recursive: true });
        await link(from, path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
          isNew = false;
        });
      };
      await orUnavailable(written(bytes, name));
      return isNew;
    },
    put: (key, bytes) => replace(key, bytes),
    putFile: (key, path) => replace(key, { of: path }),
    get: (key) =>
      orUnavailable(readFile(pathOf(key)).catch((error: unknown) => (isMissing(error) ? null : Promise.reject(error as Error)))),
    read: (key, start, end) => (end < start ? Readable.from([]) : createReadStream(pathOf(key), { start, end })),
    async list(under) {
      const found = await orUnavailable(walk(pathOf(under), `${under.replaceAll(sep, '/')}/`));
      return found.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    },
    async *groups(under) {
      const entries = await orUnavailable(
        readdir(pathOf(under), { withFileTypes: true }).catch((error: unknown) => (isMissing(error) ? [] : Promise.reject(error as Error))),
      );
      for (const { name } of entries.filter((entry) => entry.isDirectory()))
        yield { name, objects: await orUnavailable(walk(pathOf(`${under}/${name}`), `${under}/${name}/`)) };
    },
    // Somebody may write into the folder meanwhile: then it is not empty, and is emptied again.
    remove: (key) => orUnavailable(rm(pathOf(key), { recursive: true, force: true, maxRetries: 10, retryDelay: 10 })),
  };
};
