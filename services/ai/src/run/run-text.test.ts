import { sha256Hex, utf8Length } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_PIECE_CHARS, RunText } from './run-text.ts';

const cutAnywhere = (text: string, cuts: readonly number[]): string[] => {
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, i) => text.slice(at[i - 1] ?? 0, end));
};

test('P-1 however a provider cuts a text, the pieces are whole characters that make it again, with its length and digest', async () => {
  const cases = fc.tuple(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.nat(), { maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([standing, text, cuts]) => {
      const run = new RunText(standing);
      let whole = standing;
      for (const [i, delta] of cutAnywhere(text, cuts).entries()) {
        run.push(delta, i);
        const piece = i % 3 === 0 ? run.take() : undefined;
        if (piece === undefined) continue;
        expect(piece.text.isWellFormed()).toBe(true);
        expect(piece.bytes).toBe(utf8Length(piece.text));
        whole += piece.text;
        run.stands(piece);
      }
      const last = run.take();
      if (last !== undefined) run.stands(last);
      expect(whole + (last?.text ?? '')).toBe(standing + text);
      expect(run.standing()).toEqual({ bytes: utf8Length(standing + text), sha256: await sha256Hex(standing + text) });
      expect(run.waitingBytes).toBe(0);
    }),
  );
});

test('a character that never gets its other half is not text; one in the middle becomes U+FFFD', () => {
  const run = new RunText('');
  run.push('a\ud83c', 1);
  expect(run.take()?.text).toBe('a');
  expect(run.take()).toBeUndefined();
  run.push('b', 2);
  expect(run.take()?.text).toBe('\ufffdb');
});

test('a piece has the time of its first character, and at most MAX_PIECE_CHARS', () => {
  const run = new RunText('');
  run.push('a', 10);
  run.push('b', 20);
  expect(run.take()).toEqual({ text: 'ab', bytes: 2, t: 10 });
  run.push(`x${'🌊'.repeat(MAX_PIECE_CHARS)}`, 30);
  run.push('c', 40);
  const pieces = [run.take(), run.take(), run.take()];
  expect(pieces.map((piece) => piece?.t)).toEqual([30, 30, 30]);
  expect(pieces.every((piece) => piece!.text.length <= MAX_PIECE_CHARS && piece!.text.isWellFormed())).toBe(true);
  expect(pieces[2]?.text).toBe('🌊c');
  expect(run.take()).toBeUndefined();
});

test('the digest of a beginning, for a text that was frozen there', async () => {
  const run = new RunText('xin ');
  run.push('chào', 1);
  expect(run.standingAt(4)).toEqual({ bytes: 4, sha256: await sha256Hex('xin ') });
  expect(run.standingAt(9)).toEqual({ bytes: 9, sha256: await sha256Hex('xin chào') });
  expect(run.standingAt(10)).toBeNull();
});

test('B19 any text in any cut comes out whole, as UTF-8 has it, whatever it begins or ends with', () => {
  const units = fc.array(
    fc.oneof(fc.constantFrom('\uFEFF', '\uD83D', '\uDE00', '\0', 'a', 'ế'), fc.string({ unit: 'binary', maxLength: 3 })),
  );
  fc.assert(
    fc.property(units, fc.array(fc.nat(3)), (parts, cuts) => {
      const said = parts.join('');
      const text = new RunText('');
      let at = 0;
      for (const length of [...cuts, said.length]) {
        text.push(said.slice(at, at + length), 0);
        at += length;
      }
      text.finish(0);
      expect(text.whole).toBe(said.toWellFormed());
      let taken = '';
      for (let piece = text.take(); piece !== undefined; piece = text.take()) {
        taken += piece.text;
        text.stands(piece);
      }
      expect(taken).toBe(said.toWellFormed());
      expect(text.standing().bytes).toBe(Buffer.byteLength(said));
    }),
  );
});
