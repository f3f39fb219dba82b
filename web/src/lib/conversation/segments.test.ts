import type { Part } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentsOf } from './segments.ts';

const part = (index: number, at: number, kind: Part['kind'] = 'tool'): Part => ({ partId: `p${index}`, index, at, kind, state: 'done' });
const told = (text: string, parts: readonly Part[]): string[] =>
  segmentsOf(text, parts).flatMap((segment) => [
    ...segment.parts.map(({ partId }) => `<${partId}>`),
    ...(segment.text ? [segment.text] : []),
  ]);

test('a plain answer is one piece', () => {
  expect(told('Hello', [])).toEqual(['Hello']);
  expect(segmentsOf('', [])).toEqual([{ parts: [], text: '' }]);
});

test('parts stand where they stood, counted in bytes, in order of at and index', () => {
  expect(told('Đi thôi. Xong.', [part(1, 10), part(0, 10), part(2, 0)])).toEqual(['<p2>', 'Đi thôi.', '<p0>', '<p1>', ' Xong.']);
  expect(told('end', [part(0, 3)])).toEqual(['end', '<p0>']);
});

test('sources stand nowhere in the text', () => {
  expect(told('one two', [part(0, 3, 'source')])).toEqual(['one two']);
});

test('a code block is not cut in two', () => {
  expect(told('```ts\na\n```\nb', [part(0, 7)])).toEqual(['```ts\na\n```\nb', '<p0>']);
  expect(told('```ts\na\n```\nbc', [part(0, 7), part(1, 13)])).toEqual(['```ts\na\n```\nb', '<p0>', '<p1>', 'c']);
});

test('no word is lost and no part, whatever stands where', () => {
  const texts = fc.array(fc.constantFrom('a', 'ệ', '😀', '\n```\n', '\n~~~\n', ' b\n'), { maxLength: 12 }).map((list) => list.join(''));
  fc.assert(
    fc.property(texts, fc.array(fc.nat(40), { maxLength: 6 }), (text, places) => {
      const parts = places.map((at, index) => part(index, at));
      const segments = segmentsOf(text, parts);
      expect(segments.map((segment) => segment.text).join('')).toBe(text);
      expect(
        segments
          .flatMap((segment) => segment.parts)
          .map(({ partId }) => partId)
          .sort(),
      ).toEqual(parts.map(({ partId }) => partId).sort());
    }),
  );
});
