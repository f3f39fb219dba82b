import { expect, test } from 'vitest';
import { ordinal } from './ordinal.ts';

test('a place in line is written as each language does', () => {
  expect([1, 2, 3, 4, 11, 22, 113, 1_001].map((place) => ordinal(place, 'en'))).toEqual([
    ...['1st', '2nd', '3rd', '4th', '11th', '22nd', '113th', '1,001st'],
  ]);
  expect(ordinal(3, 'vi')).toBe('3');
});
