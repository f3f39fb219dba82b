import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChunkEvent } from './events.ts';
import { joinChunks, mergeLive, relate } from './merge.ts';
import { utf8Length } from './position.ts';

const chunk = (offset: number, at: number, text: string, from?: number): ChunkEvent => ({
  type: 'chunk',
  conversationId: 'c1',
  offset,
  runId: 'a1',
  at,
  t: offset,
  text,
  ...(from !== undefined && { from }),
});

describe('relate', () => {
  test('W-8 an event applies, is old, or is a gap, by the offsets it covers', () => {
    expect(relate(4, { offset: 5 })).toBe('next');
    expect(relate(5, { offset: 5 })).toBe('old');
    expect(relate(3, { offset: 5 })).toBe('gap');
    expect(relate(3, { from: 4, offset: 9 })).toBe('next');
    expect(relate(9, { from: 4, offset: 9 })).toBe('old');
  });

  test('W-8 a merged event that overlaps what is held is a gap, not half applied', () => {
    expect(relate(6, { from: 4, offset: 9 })).toBe('gap');
  });
});

describe('mergeLive', () => {
  /** Live messages of a log of `size` events, some missing, some twice, order kept. */
  const delivered = fc.integer({ min: 0, max: 30 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      applied: fc.integer({ min: 0, max: size }),
      copies: fc.array(fc.constantFrom(0, 1, 1, 1, 1, 1, 2), { minLength: size, maxLength: size }),
    }),
  );

  test('W-7 what it returns is gap-free from the applied offset, or it says where the hole is', () => {
    fc.assert(
      fc.property(delivered, ({ applied, copies }) => {
        const live = copies.flatMap((count, i) => Array.from({ length: count }, () => ({ offset: i + 1 })));
        const merged = mergeLive(applied, live);
        const lost = copies.findIndex((count, i) => i + 1 > applied && count === 0) + 1;
        const seenAfter = live.some((event) => event.offset > lost);
        if (lost > 0 && seenAfter) {
          expect(merged).toEqual({ kind: 'gap', after: lost - 1 });
        } else {
          const last = Math.max(applied, live.at(-1)?.offset ?? 0);
          const expected = Array.from({ length: last - applied }, (_, i) => applied + 1 + i);
          expect(merged.kind === 'contiguous' && merged.events.map((e) => e.offset)).toEqual(expected);
          expect(merged).toMatchObject({ offset: last });
        }
      }),
    );
  });

  test('W-7 late copies of old events are dropped wherever they come', () => {
    const shuffledOld = fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 20 });
    fc.assert(
      fc.property(shuffledOld, (old) => {
        const live = [...old.map((offset) => ({ offset })), { offset: 11 }, ...old.map((offset) => ({ offset })), { offset: 12 }];
        expect(mergeLive(10, live)).toEqual({ kind: 'contiguous', events: [{ offset: 11 }, { offset: 12 }], offset: 12 });
      }),
    );
  });
});

describe('joinChunks', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });

  test('W-14 any number of chunks in a row joins to one with the same bytes and the offsets of all', () => {
    fc.assert(
      fc.property(texts, fc.nat(50), (parts, start) => {
        let at = 7;
        const chunks = parts.map((text, i) => {
          const next = chunk(start + i + 1, at, text);
          at += utf8Length(text);
          return next;
        });
        const whole = chunks.slice(1).reduce((sum, next) => joinChunks(sum, next, utf8Length(sum.text))!, chunks[0]!);
        expect(whole).toMatchObject({ at: 7, t: start + 1, text: parts.join(''), offset: start + parts.length });
        expect(whole.from ?? whole.offset).toBe(start + 1);
      }),
    );
  });

  test('W-14 merged chunks join further', () => {
    const joined = joinChunks(chunk(5, 0, 'abc', 3), chunk(8, 3, 'de', 6), 3);
    expect(joined).toMatchObject({ from: 3, offset: 8, at: 0, text: 'abcde' });
  });

  test('W-14 what does not follow on is not joined: another run, a hole in offsets, a hole in bytes', () => {
    const first = chunk(3, 0, 'abc');
    expect(joinChunks(first, { ...chunk(4, 3, 'd'), runId: 'a2' }, 3)).toBeNull();
    expect(joinChunks(first, { ...chunk(4, 3, 'd'), conversationId: 'c2' }, 3)).toBeNull();
    expect(joinChunks(first, chunk(5, 3, 'd'), 3)).toBeNull();
    expect(joinChunks(first, chunk(4, 4, 'd'), 3)).toBeNull();
    expect(joinChunks(first, chunk(4, 2, 'd'), 3)).toBeNull();
  });
});
