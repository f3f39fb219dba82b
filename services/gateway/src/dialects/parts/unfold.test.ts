import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Part } from '@runnel/protocol';
import { NOTHING_TOLD, unfold, type Piece } from './unfold.ts';

/** An answer as a run of words and parts, in the order in which they were written. */
const story = fc.array(fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 })), { maxLength: 12 });

const written = (steps: readonly (string | null)[]): { text: string; parts: Part[] } => {
  let text = '';
  const parts: Part[] = [];
  for (const step of steps) {
    if (step !== null) text += step.toWellFormed();
    else parts.push({ partId: `p${parts.length}`, index: parts.length, at: Buffer.byteLength(text), kind: 'source', state: 'done' });
  }
  return { text, parts };
};

/** Neighbouring texts as one: where a reader had room is nobody's business. */
const joined = (pieces: readonly Piece[]): string[] =>
  pieces.reduce<string[]>((told, piece) => {
    if (piece.kind === 'part') return [...told, `<${piece.part.partId}>`];
    const last = told.at(-1);
    return last === undefined || last.startsWith('<p') ? [...told, `'${piece.text}`] : [...told.slice(0, -1), last + piece.text];
  }, []);

test('P-1 text and parts are told in the order in which they were written, at once or in any pieces', () => {
  fc.assert(
    fc.property(story, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (steps, looks) => {
      const due = steps.reduce<string[]>((all, step) => {
        const last = all.at(-1);
        if (step === null) return [...all, `<p${all.filter((each) => each.startsWith('<p')).length}>`];
        const words = step.toWellFormed();
        return last === undefined || last.startsWith('<p') ? [...all, `'${words}`] : [...all.slice(0, -1), last + words];
      }, []);
      expect(joined(unfold(written(steps), NOTHING_TOLD).pieces)).toEqual(due);
      let told = NOTHING_TOLD;
      const pieces: Piece[] = [];
      for (const end of steps.keys()) {
        if (!looks[end] && end + 1 < steps.length) continue;
        const next = unfold(written(steps.slice(0, end + 1)), told);
        pieces.push(...next.pieces);
        ({ told } = next);
      }
      expect(joined(pieces)).toEqual(due);
    }),
  );
});
