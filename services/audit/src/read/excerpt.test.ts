import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXCERPT_CHARS, excerptOf } from './excerpt.ts';
import { wordsOf } from '../store/search-words.ts';

test('S-9 a short text is whole; of a long one the place of the match is shown', () => {
  expect(excerptOf('Đường đến', wordsOf('duong'))).toBe('Đường đến');
  const long = `${'a '.repeat(4000)}Đường đến ${'b '.repeat(4000)}`;
  expect(excerptOf(long, wordsOf('duong'))).toContain('Đường đến');
  expect(excerptOf(long, wordsOf('nothing')).startsWith('a a ')).toBe(true);
  expect(excerptOf(`start ${long}`, wordsOf('start')).startsWith('start a')).toBe(true);
});

test('S-9 an excerpt is bounded and well formed, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), fc.string({ unit: 'grapheme', maxLength: 10 }), (text, query) => {
      const wellFormed = text.repeat(3).toWellFormed();
      const excerpt = excerptOf(wellFormed, wordsOf(query));
      expect(excerpt.isWellFormed()).toBe(true);
      expect(excerpt.length).toBeLessThanOrEqual(EXCERPT_CHARS + 2);
    }),
    { numRuns: 200 },
  );
});
