const DAY = 86_400_000;

export type Age = 'today' | 'yesterday' | 'week' | 'older';
const AGES: readonly Age[] = ['today', 'yesterday', 'week', 'older'];

/** How old something looks to a person: by days of their calendar, not by hours. */
export const ageOf = (time: number, now: number): Age => {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (time >= midnight) return 'today';
  if (time >= midnight - DAY) return 'yesterday';
  return time >= midnight - 6 * DAY ? 'week' : 'older';
};

export interface Folder {
  name: string;
  /** Conversations in it. */
  count: number;
}
export type Row<T> =
  | { kind: 'age'; age: Age | 'pinned' | 'folders' }
  | { kind: 'folder'; folder: Folder; open: boolean }
  | { kind: 'item'; item: T; inFolder?: true };

/**
 * The same as one list: what is pinned, the folders, and the rest by age, each with its heading. What is in a folder stands there and in no age; a
 * folder that is not known hides nothing.
 *
 * @param open names of folders that show what is in them
 */
export const rowsOf = <T extends { updatedAt: number; pinned?: true; folder?: string }>(
  items: readonly T[],
  now: number,
  folders: readonly Folder[] = [],
  open: ReadonlySet<string> = new Set(),
): Row<T>[] => {
  const known = new Set(folders.map(({ name }) => name));
  const pinned = items.filter((item) => item.pinned);
  const loose = items.filter((item) => !item.pinned && !(item.folder !== undefined && known.has(item.folder)));
  const inFolders = folders.flatMap((folder): Row<T>[] => {
    const isOpen = open.has(folder.name);
    const own = isOpen ? items.filter((item) => item.folder === folder.name && !item.pinned) : [];
    return [{ kind: 'folder', folder, open: isOpen }, ...own.map((item): Row<T> => ({ kind: 'item', item, inFolder: true }))];
  });
  const withAge = (age: Age | 'pinned', own: readonly T[]): Row<T>[] =>
    own.length === 0 ? [] : [{ kind: 'age', age }, ...own.map((item): Row<T> => ({ kind: 'item', item }))];
  return [
    ...withAge('pinned', pinned),
    ...(inFolders.length > 0 ? [{ kind: 'age' as const, age: 'folders' as const }, ...inFolders] : []),
    ...groupByAge(loose, now).flatMap(({ age, items: own }) => withAge(age, own)),
  ];
};

/** Groups that have something in them, in order; the items keep their order. */
const groupByAge = <T extends { updatedAt: number }>(items: readonly T[], now: number): { age: Age; items: T[] }[] => {
  const groups = Map.groupBy(items, (item) => ageOf(item.updatedAt, now));
  return AGES.flatMap((age) => (groups.has(age) ? [{ age, items: groups.get(age)! }] : []));
};
