import type { Blobs } from './blobs.ts';
import { asideKey, FILE_ID, folderOf, ownerKey, recordKey, segmentsOf, usedKey } from './file-keys.ts';
import { parseRecord, type FileRecord } from './file-record.ts';
import type { Keeper, Needs } from './keeper.ts';

/** An upload that nobody used or ended for a day goes. */
export const UNUSED_MS = 24 * 60 * 60 * 1000;

/** What is shown is asked for in two sweeps of so many, one behind the other: a term counts in days, and sweeps come each hour. */
const TERM_SWEEPS = 24;
/** Files that are asked about at a time. */
const AT_ONCE = 500;

export interface SweepDeps {
  blobs: Blobs;
  keeper: Keeper;
  /** What no conversation shows goes so long after its last use; 0: never. */
  termMs: number;
  now: () => number;
  remove(file: FileRecord): Promise<void>;
}

interface Candidate {
  file: FileRecord;
  why: 'unused' | 'term' | 'aside';
}

/** Whether it may go. Pure. */
const mayGo = ({ file: { fileId }, why }: Candidate, { held, shown }: Needs): boolean =>
  !held.has(fileId) && (why !== 'term' || !shown.has(fileId));

/** When a file was last put into a message; null: never. A mark of an older release is empty. */
const lastUse = async (blobs: Blobs, { fileId, createdAt }: FileRecord): Promise<number | null> => {
  const mark = await blobs.get(usedKey(fileId));
  return mark && (Number(Buffer.from(mark).toString()) || createdAt);
};

/** Removes what nobody used for a day, what is past its term, and what was only held; returns how many files went. */
export const createSweep = ({ blobs, keeper, termMs, now, remove }: SweepDeps): (() => Promise<number>) => {
  /** Folders and marks without a record, as a node leaves them that dies on the way; at the second look they are not just being made. */
  let orphans = new Set<string>();
  /** What no conversation showed at the last look: one that is being forked while its source is deleted is shown by the next. */
  let unshown = new Set<string>();
  let sweeps = 0;

  /** What was set aside, by file; one that is uploaded again lives, and its record tells of it. */
  const findAside = async (): Promise<Map<string, FileRecord>> => {
    const found = new Map<string, FileRecord>();
    for await (const { objects } of blobs.groups('aside')) {
      for (const { key } of objects) {
        const bytes = await blobs.get(key);
        const file = bytes && parseRecord(bytes);
        if (!file || !FILE_ID.test(file.fileId)) continue;
        if ((await blobs.get(recordKey(file.fileId))) === null) found.set(file.fileId, file);
      }
    }
    return found;
  };
  const removeAside = async (file: FileRecord): Promise<void> => {
    for (const key of [folderOf(file.fileId), ownerKey(file), asideKey(file)]) await blobs.remove(key);
  };

  return async () => {
    const byTerm = termMs > 0 && sweeps++ % TERM_SWEEPS < 2;
    const [seen, seenUnshown] = [new Set<string>(), new Set<string>()];
    let swept = 0;
    let failure: unknown = null;
    let waiting: Candidate[] = [];

    /** Seen at the last look as well, and nobody has made it a file since. */
    const isNobodys = async (what: string, fileId: string): Promise<boolean> => {
      seen.add(what);
      return orphans.has(what) && (await blobs.get(recordKey(fileId))) === null;
    };
    const judge = async (): Promise<void> => {
      const byOwner = Map.groupBy(waiting, ({ file }) => file.userId);
      waiting = [];
      for (const [userId, own] of byOwner) {
        try {
          const needs = await keeper.needs(
            userId,
            own.map(({ file }) => file.fileId),
          );
          for (const candidate of own.filter((one) => mayGo(one, needs))) {
            const { file, why } = candidate;
            if (why === 'term' && !unshown.has(file.fileId)) {
              seenUnshown.add(file.fileId);
              continue;
            }
            await (why === 'aside' ? removeAside : remove)(file);
            swept++;
          }
        } catch (error) {
          // Nobody could tell, so all of theirs stays; others may be told of.
          failure ??= error;
        }
      }
    };
    const consider = async (candidate: Candidate): Promise<void> => {
      waiting.push(candidate);
      if (waiting.length >= AT_ONCE) await judge();
    };

    const aside = await findAside();
    for (const file of aside.values()) await consider({ file, why: 'aside' });
    const standing = new Set<string>();
    for await (const { name: fileId, objects } of blobs.groups('files')) {
      const has = (key: string): boolean => objects.some((object) => object.key === key);
      if (!has(recordKey(fileId))) {
        if (aside.has(fileId) || !(await isNobodys(folderOf(fileId), fileId))) continue;
        await blobs.remove(folderOf(fileId));
        swept++;
        continue;
      }
      standing.add(fileId);
      const hasPieces = objects.some(({ key }) => key.startsWith(`${segmentsOf(fileId)}/`));
      if (has(usedKey(fileId)) && !hasPieces && !byTerm) continue;
      const bytes = await blobs.get(recordKey(fileId));
      const file = bytes && parseRecord(bytes);
      if (!file) continue;
      // Whoever put it together could not remove them.
      if (file.whole && hasPieces) await blobs.remove(segmentsOf(fileId));
      if (now() - file.createdAt < UNUSED_MS) continue;
      const used = await lastUse(blobs, file);
      if (used === null) await consider({ file, why: 'unused' });
      else if (byTerm && now() - used >= termMs) await consider({ file, why: 'term' });
    }
    // A mark without a file takes room from a person, who cannot see it.
    for await (const { objects } of blobs.groups('owners'))
      for (const { key } of objects) {
        const fileId = key.split('/').at(-1)!.split('.')[0]!;
        if (!standing.has(fileId) && (await isNobodys(key, fileId))) await blobs.remove(key);
      }
    await judge();
    orphans = seen;
    if (byTerm) unshown = seenUnshown;
    if (failure !== null) throw failure as Error;
    return swept;
  };
};
