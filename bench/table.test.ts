import { expect, test } from 'vitest';
import { spread } from './table.ts';

test('rounds are shown as median, least and most', () => {
  expect(spread([3, 1, 2])).toBe('2 (1–3)');
  expect(spread([7])).toBe('7');
  expect(spread([null])).toBe('–');
});
