import { expect, test } from 'vitest';
import { ageOf, rowsOf } from './ages.ts';

const now = new Date(2026, 4, 20, 0, 30).getTime();
const hoursAgo = (hours: number): number => now - hours * 3_600_000;

test('days are those of the calendar', () => {
  expect(ageOf(hoursAgo(0.2), now)).toBe('today');
  expect(ageOf(hoursAgo(1), now)).toBe('yesterday');
  expect(ageOf(hoursAgo(24 * 5), now)).toBe('week');
  expect(ageOf(hoursAgo(24 * 8), now)).toBe('older');
});

test('each age stands before its items; those without any are left out', () => {
  const [first, last] = [{ updatedAt: now }, { updatedAt: hoursAgo(24 * 30) }];
  expect(rowsOf([first, last], now)).toEqual([
    { kind: 'age', age: 'today' },
    { kind: 'item', item: first },
    { kind: 'age', age: 'older' },
    { kind: 'item', item: last },
  ]);
});

test('what is pinned stands before all ages, and in none of them', () => {
  const pinned = { updatedAt: 0, pinned: true as const };
  const now = Date.now();
  const kinds = rowsOf([{ updatedAt: now }, pinned], now).map((row) =>
    row.kind === 'age' ? row.age : row.kind === 'item' ? row.item.updatedAt : null,
  );
  expect(kinds).toEqual(['pinned', 0, 'today', now]);
});

test('what is in a folder stands there and in no age; a closed one shows nothing, an unknown one hides nothing', () => {
  const [a, b, lost, loose] = [
    { updatedAt: now, folder: 'A' },
    { updatedAt: now - 1, folder: 'A', pinned: true as const },
    { updatedAt: now - 2, folder: 'Gone' },
    { updatedAt: now - 3 },
  ];
  const folders = [
    { name: 'A', count: 2 },
    { name: 'B', count: 1 },
  ];
  const shown = (open: string[]) =>
    rowsOf([a, b, lost, loose], now, folders, new Set(open)).map((row) =>
      row.kind === 'age' ? row.age : row.kind === 'folder' ? `${row.folder.name}${row.open ? '*' : ''}` : row.item,
    );
  expect(shown([])).toEqual(['pinned', b, 'folders', 'A', 'B', 'today', lost, loose]);
  expect(shown(['A', 'no such'])).toEqual(['pinned', b, 'folders', 'A*', a, 'B', 'today', lost, loose]);
});
