import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSseParser } from './sse-parser.ts';

const parse = (pieces: readonly string[]): string[] => {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser(piece)).map(({ data }) => data);
};

test('an event is its data; names, ids, comments and retry times are passed over', () => {
  expect(parse([': hello\n\nid: l:1\nevent: chunk\ndata: {"a":1}\n\nretry: 5\n\ndata:x\ndata\ndata:  y\n\n'])).toEqual([
    '{"a":1}',
    'x\n\n y',
  ]);
});

test('an event that has not ended is not told', () => {
  expect(parse(['data: 1\n\ndata: 2\n'])).toEqual(['1']);
});

test('however the bytes are cut and whatever ends the lines, the same events come out', () => {
  const line = fc.string({ unit: fc.constantFrom('a', ':', ' ', 'ế', '{'), maxLength: 8 });
  const messages = fc.array(line, { minLength: 1, maxLength: 5 });
  const ends = fc.constantFrom('\n', '\r\n', '\r');
  fc.assert(
    fc.property(messages, ends, fc.array(fc.nat(), { maxLength: 10 }), (expected, end, cuts) => {
      const text = expected.map((data) => `: beat${end}id: 1${end}data: ${data}${end}${end}`).join('') + `: end${end}`;
      const places = [0, ...cuts.map((cut) => cut % text.length), text.length].sort((a, b) => a - b);
      const pieces = places.slice(1).map((to, i) => text.slice(places[i], to));
      expect(parse(pieces)).toEqual(expected);
    }),
  );
});

test('P-8 a line that never ends is refused instead of filling the memory', () => {
  const parser = createSseParser();
  const piece = 'x'.repeat(1024 * 1024);
  expect(() => {
    for (let i = 0; i < 20; i++) parser(piece);
  }).toThrow(RangeError);
});
