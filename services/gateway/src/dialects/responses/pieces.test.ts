import fc from 'fast-check';
import { expect, test } from 'vitest';
import { piecesOf, prefixOf } from './pieces.ts';

test('P-1 whatever is missing of a text, and however the log has cut it, the pieces add up, and end where the log’s do', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1 }), fc.nat(), (words, place) => {
      const text = words.join('');
      const cuts = words.map((_, index) => Buffer.byteLength(words.slice(0, index + 1).join('')));
      const have = prefixOf(text, place % (Buffer.byteLength(text) + 1));
      expect(text.startsWith(have)).toBe(true);
      const pieces = piecesOf(text.slice(have.length), Buffer.byteLength(have), cuts);
      expect(have + pieces.map((piece) => piece.text).join('')).toBe(text);
      expect(pieces.map(({ until }) => until)).toEqual(cuts.filter((cut) => cut > Buffer.byteLength(have)));
    }),
  );
});

test.each([
  ['👋a', 0, ''],
  ['👋a', 2, ''],
  ['👋a', 4, '👋'],
  ['👋a', 9, '👋a'],
])('of %s %i bytes are %j: no half of a character', (text, bytes, prefix) => {
  expect(prefixOf(text, bytes)).toBe(prefix);
});
