import { expect, test } from 'vitest';
import { foldText, searchQuery, searchVector, wordsOf } from './fold-text.ts';

test('a text is compared without case and marks', () => {
  expect(foldText('Đường ĐẾN Hà\0Nội')).toBe('duong den ha noi');
  expect(wordsOf('  "Hà Nội" & !đẹp ')).toEqual(['ha', 'noi', 'dep']);
});

test('what PostgreSQL searches: each word once, and its user as a word that no text and no query holds', () => {
  expect(searchVector('ann', 'River, river: a_bend! =bob')).toBe(`'=ann' river a bend bob`);
  expect(searchQuery('ann', ['river', 'ben'])).toBe(`'=ann' & 'river' & 'ben':*`);
  expect(searchQuery(`o'neil\\`, wordsOf(`' | =ann`))).toBe(`'=o''neil\\\\' & 'ann':*`);
  const long = 'x'.repeat(3_000);
  expect(searchVector('', long)).toBe(`'=' ${'x'.repeat(255)}`);
  expect(searchQuery('', [long])).toBe(`'=' & '${'x'.repeat(255)}':*`);
});
