import { expect, test } from 'vitest';
import { ageOf, groupByAge } from './ages.ts';

const now = new Date(2026, 4, 20, 0, 30).getTime();
const hoursAgo = (hours: number): number => now - hours * 3_600_000;

test('days are those of the calendar', () => {
  expect(ageOf(hoursAgo(0.2), now)).toBe('today');
  expect(ageOf(hoursAgo(1), now)).toBe('yesterday');
  expect(ageOf(hoursAgo(24 * 5), now)).toBe('week');
  expect(ageOf(hoursAgo(24 * 8), now)).toBe('older');
});

test('empty groups are left out', () => {
  const items = [{ updatedAt: now }, { updatedAt: hoursAgo(24 * 30) }];
  expect(groupByAge(items, now).map((group) => group.age)).toEqual(['today', 'older']);
});
