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

export type Row<T> = { kind: 'age'; age: Age | 'pinned' } | { kind: 'item'; item: T };

/** The same as one list, in which what is pinned and then each age stands before its items. */
export const rowsOf = <T extends { updatedAt: number; pinned?: true }>(items: readonly T[], now: number): Row<T>[] => {
  const pinned = items.filter((item) => item.pinned);
  const others = groupByAge(
    items.filter((item) => !item.pinned),
    now,
  );
  return [...(pinned.length > 0 ? [{ age: 'pinned' as const, items: pinned }] : []), ...others].flatMap(({ age, items: own }) => [
    { kind: 'age', age },
    ...own.map((item): Row<T> => ({ kind: 'item', item })),
  ]);
};

/** Groups that have something in them, in order; the items keep their order. */
const groupByAge = <T extends { updatedAt: number }>(items: readonly T[], now: number): { age: Age; items: T[] }[] => {
  const groups = Map.groupBy(items, (item) => ageOf(item.updatedAt, now));
  return AGES.flatMap((age) => (groups.has(age) ? [{ age, items: groups.get(age)! }] : []));
};
