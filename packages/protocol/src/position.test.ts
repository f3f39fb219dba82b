import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isId, newId } from './ids.ts';
import { formatCursor, parseCursor, sha256Hex, splitIncomplete, utf8Length } from './position.ts';
import { sha256 } from './sha256.ts';

const anyText = fc.string({ unit: 'binary' });
const brokenText = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units));

test('lengths are what an encoder writes, also for broken surrogates', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, brokenText), (text) => {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    }),
  );
});

test('W-9 lengths are what an encoder writes at every border between two lengths, alone and as a pair', () => {
  const borders = [0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff];
  for (const first of borders) {
    expect(utf8Length(String.fromCharCode(first))).toBe(Buffer.byteLength(String.fromCharCode(first)));
    for (const second of borders) {
      const text = `${String.fromCharCode(first, second)}a`;
      expect(utf8Length(text), `${first.toString(16)} ${second.toString(16)}`).toBe(Buffer.byteLength(text));
    }
  }
});

test('only a high surrogate at the end is held back', () => {
  for (const [last, isHeld] of [
    [0xd7ff, false],
    [0xd800, true],
    [0xdbff, true],
    [0xdc00, false],
    [0xdfff, false],
    [0xe000, false],
  ] as const) {
    const end = String.fromCharCode(last);
    expect(splitIncomplete(`a${end}`), last.toString(16)).toEqual(isHeld ? { whole: 'a', rest: end } : { whole: `a${end}`, rest: '' });
  }
  expect(splitIncomplete('')).toEqual({ whole: '', rest: '' });
});

test('deltas cut anywhere, with incomplete ends held back, join to the same bytes', () => {
  fc.assert(
    fc.property(anyText, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
      const places = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b);
      let held = '';
      let from = 0;
      const chunks = places.map((to) => {
        const { whole, rest } = splitIncomplete(held + text.slice(from, to));
        held = rest;
        from = to;
        return whole;
      });
      for (const chunk of chunks) expect(chunk.isWellFormed()).toBe(true);
      expect(chunks.join('') + held).toBe(text);
    }),
  );
});

test('W-10 the digest is SHA-256 of the UTF-8 text, by Web Crypto and in plain code alike', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), async (text) => {
      const expected = createHash('sha256').update(text).digest('hex');
      expect(await sha256Hex(text)).toBe(expected);
      expect(Buffer.from(sha256(Buffer.from(text))).toString('hex')).toBe(expected);
    }),
  );
});

test('W-10 the digest in plain code is right at every length around a block', () => {
  for (let length = 50; length <= 130; length++) {
    const bytes = Buffer.alloc(length, 'r');
    expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});

test('W-8 a cursor survives its text form; anything else is null', () => {
  const logId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
  fc.assert(
    fc.property(fc.record({ logId, offset: fc.nat() }), (cursor) => {
      expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
    }),
  );
  for (const text of [undefined, null, '', ':', 'log', 'log:', ':5', 'log:-1', 'log:1.5', 'log:x', 'lo g:1', 'log:1:2']) {
    expect(parseCursor(text)).toBeNull();
  }
});

test('new ids are ids, and different', () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  expect(ids.size).toBe(1000);
  for (const id of ids) {
    expect(isId(id)).toBe(true);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
