import { createStore, del, entries, set } from 'idb-keyval';
import { KEPT_FILES } from './may-have-kept.ts';

/** A file on its way, or one that waits to be sent: a reload of the page must not ask for it again. */
export interface KeptFile {
  owner: string;
  /** The conversation it was added in; '' for the start page. */
  place: string;
  name: string;
  file: Blob;
  url?: string;
  fileId?: string;
  at: number;
}

/** The server lets go of what nobody used for so long. */
const LIFE_MS = 24 * 3_600_000;
const store = createStore(KEPT_FILES, 'files');

/** Where the browser forbids storage, files live as long as the page. */
const quietly = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
  try {
    return await work();
  } catch {
    return otherwise;
  }
};

export const keepFile = (id: string, kept: KeptFile): Promise<void> => quietly(() => set(id, kept, store), undefined);
export const dropFile = (id: string): Promise<void> => quietly(() => del(id, store), undefined);

/** Those of one person, oldest first; what is another's, or too old, goes. */
export const keptFiles = (owner: string, now = Date.now()): Promise<[string, KeptFile][]> =>
  quietly(async () => {
    const all = await entries<string, KeptFile>(store);
    const mine = all.filter(([, kept]) => kept.owner === owner && now - kept.at < LIFE_MS);
    const known = new Set(mine.map(([id]) => id));
    await Promise.all(all.map(([id]) => (known.has(id) ? undefined : del(id, store))));
    return mine.toSorted(([, a], [, b]) => a.at - b.at);
  }, []);

export const dropAllFiles = (): Promise<void> =>
  quietly(async () => {
    for (const [id] of await entries<string, KeptFile>(store)) await del(id, store);
  }, undefined);
