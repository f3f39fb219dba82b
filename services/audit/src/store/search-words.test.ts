import { expect, test } from 'vitest';
import { foldText, searchQuery, searchVector, wordsOf } from './search-words.ts';

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

test('a query without a letter has no words, and one of many has sixteen', () => {
  expect(wordsOf(' & | ! ')).toEqual([]);
  const words = Array.from({ length: 17 }, (_, index) => `w${index}`);
  expect(wordsOf(words.join(' '))).toEqual(words.slice(0, 16));
});

test('what is searched of a text is its first 200,000 characters', () => {
  expect(searchVector('ann', `${'a '.repeat(100_000)}river`)).toBe(`'=ann' a`);
  expect(searchVector('ann', `${'a '.repeat(99_990)}river`)).toBe(`'=ann' a river`);
});
