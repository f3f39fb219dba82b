import { expect, test } from 'vitest';
import { sizeOf } from './size-of.ts';

test('bytes as people write them', () => {
  const english = [0, 1, 999, 1_000, 4_249_000, 52_428_800, 3e12].map((bytes) => sizeOf(bytes, 'en'));
  expect(english).toEqual(['0 byte', '1 byte', '999 byte', '1 kB', '4.2 MB', '52 MB', '3,000 GB']);
  expect(sizeOf(4_249_000, 'vi')).toBe('4,2 MB');
});
