import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { newId, RunnelError } from '@runnel/protocol';
import type { Blobs } from './blobs.ts';
import {
  asideFolder,
  asideKey,
  dataKey,
  FILE_ID,
  folderOf,
  keptId,
  ownerFolder,
  ownerKey,
  recordKey,
  seenKey,
  segmentsOf,
  textKey,
  usedKey,
} from './file-keys.ts';
import { fileName } from './file-name.ts';
import { parseRecord, type FileRecord, type WholeFile } from './file-record.ts';
import { NOBODY, type Keeper } from './keeper.ts';
import { lookInto, type FileContents } from './look-into.ts';
import { onDisk, readAll, type LocalFile } from './on-disk.ts';
import { contiguous, mostSegments } from './segments.ts';
import { createSweep } from './sweep.ts';
import { writeChecked, writeSegments, type Appended, type Checksum } from './write-segments.ts';

export interface FileLimits {
  /** Of one file. */
  maxBytes: number;
  /** Of all files of a person. */
  maxTotalBytes: number;
  /** Files of a person. */
  maxFiles: number;
  /** Media types by content; `text/*` stands for all of text. */
  types: readonly string[];
}

export interface NewFile {
  userId: string;
  name: string;
  filetype: string;
  length: number;
}

/** Files that people upload: bytes come in any number of pieces, over any node; then what they are is judged by their content. */
export interface FileStore {
  readonly limits: FileLimits;
  /** @throws RunnelError `too-large`, `quota` */
  create(file: NewFile): Promise<FileRecord>;
  /**
   * Keeps bytes that are here, of one of these types; the same bytes under the same name are one file, which is then new again.
   *
   * @throws RunnelError `too-large`, `quota`, `unsupported-type`, `overloaded`
   */
  keep(file: Omit<NewFile, 'length'>, bytes: Buffer, types: readonly string[]): Promise<WholeFile>;
  /** Null: unknown, or of somebody else. */
  find(fileId: string, userId: string): Promise<FileRecord | null>;
  /** How many bytes are there. */
  offsetOf(file: FileRecord): Promise<number>;
  /**
   * Adds bytes at `offset`, as far as they come: what came of a source that broke off counts.
   *
   * @throws RunnelError `too-large`: more than were announced, or in more pieces than a file may have; `bad-frame`: a source that dribbles
   */
  append(file: FileRecord, offset: number, source: AsyncIterable<Uint8Array>, checksum?: Checksum): Promise<Appended>;
  /** Judges a file whose bytes are all there. @throws RunnelError `unsupported-type`: it is gone then */
  finish(file: FileRecord): Promise<WholeFile>;
  read(file: WholeFile, from: number, to: number): Readable;
  /** A picture as models see it, a JPEG of at most 1568 pixels a side; null: none was made. */
  seen(file: WholeFile): Promise<Uint8Array | null>;
  /** From now on it stays until somebody deletes it, or until it is past its term and no conversation shows it. */
  use(file: WholeFile): Promise<void>;
  /** Nothing of it stays. */
  remove(file: FileRecord): Promise<void>;
  /**
   * As its owner deletes it: it is gone for them. What is held, or what nobody can tell of just now, is set aside with its bytes; the sweep
   * removes it when nothing holds it.
   *
   * @throws RunnelError `quota`: they have set aside as many as they may have
   */
  discard(file: FileRecord): Promise<void>;
  /** All files of a person, oldest first, also those that are not whole. */
  list(userId: string): Promise<FileRecord[]>;
  /** All files of a person, of which nothing stays, nor of what was set aside. Resolves to how many they had. */
  erase(userId: string): Promise<number>;
  /**
   * Removes what nobody used for a day, what is past its term, and what was only held. Resolves to how many.
   *
   * @throws RunnelError `unavailable`: of some nobody could tell whether they are needed, so they stay
   */
  sweep(): Promise<number>;
}

export const createFileStore = (
  blobs: Blobs,
  limits: FileLimits,
  {
    contents = null,
    now = Date.now,
    keeper = NOBODY,
    termMs = 0,
  }: { contents?: FileContents | null; now?: () => number; keeper?: Keeper; termMs?: number } = {},
): FileStore => {
  /** Files that somebody writes on this node; over all nodes the segments' names decide. */
  const written = new Set<string>();

  const load = async (fileId: string): Promise<FileRecord | null> => {
    if (!FILE_ID.test(fileId)) return null;
    const bytes = await blobs.get(recordKey(fileId));
    return bytes && parseRecord(bytes);
  };
  const save = (file: FileRecord): Promise<void> => blobs.put(recordKey(file.fileId), Buffer.from(JSON.stringify(file)));
  /**
   * The record first: whoever asks meanwhile finds nothing. The folder once more behind the owner's mark: somebody who wrote meanwhile either
   * wrote before that, or finds the mark gone (`mustStand`).
   */
  const removeAll = async (fileId: string, mark: string): Promise<void> => {
    for (const key of [recordKey(fileId), folderOf(fileId), mark, folderOf(fileId)]) await blobs.remove(key);
  };
  const remove = (file: FileRecord): Promise<void> => removeAll(file.fileId, ownerKey(file));
  /** What was written to a file that was deleted meanwhile goes, too. @throws RunnelError `not-found` */
  const mustStand = async (file: FileRecord): Promise<void> => {
    if ((await blobs.get(ownerKey(file))) !== null) return;
    await blobs.remove(folderOf(file.fileId));
    throw new RunnelError('not-found', 'There is no such file.');
  };
  const isHeld = async ({ userId, fileId }: FileRecord): Promise<boolean> => {
    try {
      return (await keeper.needs(userId, [fileId])).held.has(fileId);
    } catch (error) {
      if (error instanceof RunnelError && error.code === 'unavailable') return true;
      throw error;
    }
  };
  /** The note first: a node that dies in between leaves a file that lives, or one that is set aside. */
  const setAside = async (file: FileRecord): Promise<void> => {
    if ((await blobs.list(asideFolder(file.userId))).length >= limits.maxFiles)
      throw new RunnelError('quota', 'So many of your files cannot be deleted at a time: try again later.');
    await blobs.put(asideKey(file), Buffer.from(JSON.stringify(file)));
    for (const key of [recordKey(file.fileId), ownerKey(file)]) await blobs.remove(key);
  };
  const filesOf = async (userId: string): Promise<{ key: string; fileId: string; length: number }[]> =>
    (await blobs.list(ownerFolder(userId))).map(({ key }) => {
      const [fileId, length] = key.split('/').at(-1)!.split('.');
      return { key, fileId: fileId!, length: Number(length) };
    });
  const partsOf = async (file: FileRecord): Promise<ReturnType<typeof contiguous>> =>
    file.whole ? { segments: [], bytes: file.length } : contiguous(await blobs.list(segmentsOf(file.fileId)));
  const offsetOf = async (file: FileRecord): Promise<number> => (await partsOf(file)).bytes;

  /** Looks into a file that is here, and keeps what was found. @throws RunnelError `unsupported-type`: it is gone then */
  const look = async (file: FileRecord, { path, ...digest }: LocalFile, types: readonly string[]): Promise<WholeFile> => {
    const { filetype, fileId } = file;
    const looked = await lookInto(path, { ...digest, filetype, types, contents }).catch(async (error: unknown) => {
      if (error instanceof RunnelError && error.code === 'unsupported-type') await remove(file);
      throw error;
    });
    const whole: WholeFile = { ...file, whole: looked.whole };
    if (looked.seen) await blobs.put(seenKey(fileId), looked.seen);
    if (looked.text !== undefined) await blobs.put(textKey(fileId), Buffer.from(looked.text));
    await blobs.putFile(dataKey(whole), looked.path);
    await save(whole);
    await mustStand(file);
    return whole;
  };
  const judge = async (file: FileRecord): Promise<WholeFile> => {
    const { segments, bytes } = contiguous(await blobs.list(segmentsOf(file.fileId)));
    if (bytes !== file.length) throw new RunnelError('busy', 'The upload is not whole yet.');
    const whole = await onDisk(readAll(blobs, segments), (here) => look(file, here, limits.types));
    // It is whole: what stays of its pieces goes with a sweep.
    await blobs.remove(segmentsOf(file.fileId)).catch(() => undefined);
    return whole;
  };
  /** A file that is known is new again, as long as its parts stand. */
  const renewed = async (file: WholeFile): Promise<WholeFile | null> => {
    const fresh = { ...file, createdAt: now() };
    await save(fresh);
    return mustStand(fresh).then(
      () => fresh,
      (error: unknown) => (error instanceof RunnelError && error.code === 'not-found' ? null : Promise.reject(error as Error)),
    );
  };

  /** @throws RunnelError `quota` where a person with these files has no room for this one */
  const checkRoom = (
    files: readonly { fileId: string; length: number }[],
    { fileId, length }: Pick<FileRecord, 'fileId' | 'length'>,
  ): void => {
    const own = files.filter((file) => file.fileId !== fileId);
    const total = own.reduce((sum, { length: bytes }) => sum + bytes, 0);
    if (own.length >= limits.maxFiles || total + length > limits.maxTotalBytes)
      throw new RunnelError('quota', 'There is no room for another file of yours: delete some first.');
  };

  /** Others may have begun since the look before, also on other nodes: whoever is written last sees them all, and there is no room for it. */
  const checkOwnRoom = async (file: FileRecord): Promise<void> => {
    try {
      checkRoom(await filesOf(file.userId), file);
    } catch (error) {
      await remove(file);
      throw error;
    }
  };
  /** @throws RunnelError `too-large` */
  const announced = ({ userId, name, filetype, length }: NewFile, fileId: string): FileRecord => {
    if (length > limits.maxBytes) throw new RunnelError('too-large', `A file has at most ${limits.maxBytes} bytes.`);
    return { fileId, userId, name: fileName(name), filetype: filetype.slice(0, 100), length, createdAt: now() };
  };

  return {
    limits,
    offsetOf,
    remove,
    async discard(file) {
      // What never was whole nobody has seen.
      await (file.whole && (await isHeld(file)) ? setAside : remove)(file);
    },
    async create(given) {
      const file = announced(given, newId());
      checkRoom(await filesOf(file.userId), file);
      await blobs.put(ownerKey(file), Buffer.alloc(0));
      await save(file);
      await checkOwnRoom(file);
      return file;
    },
    async keep({ userId, name, filetype }, bytes, types) {
      const sha256 = hash('sha256', bytes, 'hex');
      const file = announced({ userId, name, filetype, length: bytes.length }, keptId([userId, name, filetype, sha256]));
      const known = await load(file.fileId);
      const again = known?.whole ? await renewed(known as WholeFile) : null;
      if (again) return again;
      checkRoom(await filesOf(userId), file);
      await blobs.put(ownerKey(file), Buffer.alloc(0));
      const whole = await onDisk([bytes], (here) => look(file, here, types));
      await checkOwnRoom(file);
      return whole;
    },
    async find(fileId, userId) {
      const file = await load(fileId);
      return file?.userId === userId ? file : null;
    },
    async append(file, offset, source, checksum) {
      if (written.has(file.fileId)) return { outcome: 'locked' };
      written.add(file.fileId);
      try {
        const { segments, bytes } = await partsOf(file);
        if (offset !== bytes) return { outcome: 'conflict', offset: bytes };
        if (segments.length >= mostSegments(file.length))
          throw new RunnelError('too-large', 'The file comes in too many pieces: delete it, and send more of it at once.');
        const appended = await (checksum
          ? writeChecked(blobs, file, offset, source, checksum)
          : writeSegments(blobs, file, offset, source));
        await mustStand(file);
        return appended;
      } finally {
        written.delete(file.fileId);
      }
    },
    async finish(file) {
      if (file.whole) return file as WholeFile;
      try {
        return await judge(file);
      } catch (error) {
        // Somebody else asked at the same time, judged it, and removed the segments.
        const judged = await load(file.fileId);
        if (judged?.whole) return judged as WholeFile;
        const isLost = error instanceof RunnelError && error.code === 'not-found';
        if (judged !== null && isLost)
          throw new RunnelError('unavailable', 'Bytes of this upload are lost: ask where it ends.', { cause: error });
        throw error;
      }
    },
    read: (file, from, to) => blobs.read(dataKey(file), from, to),
    seen: ({ fileId }) => blobs.get(seenKey(fileId)),
    async use(file) {
      await blobs.put(usedKey(file.fileId), Buffer.from(String(now())));
    },
    async list(userId) {
      const own = await Promise.all((await filesOf(userId)).map(({ fileId }) => load(fileId)));
      return own.filter((file) => file?.userId === userId).toSorted((a, b) => a!.createdAt - b!.createdAt) as FileRecord[];
    },
    async erase(userId) {
      const own = await filesOf(userId);
      for (const { key, fileId } of own) await removeAll(fileId, key);
      for (const { key } of await blobs.list(asideFolder(userId)))
        for (const gone of [folderOf(key.split('/').at(-1)!), key]) await blobs.remove(gone);
      return own.length;
    },
    sweep: createSweep({ blobs, keeper, termMs, now, remove }),
  };
};
