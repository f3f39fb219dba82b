import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextPiece } from './next-piece.ts';

describe('nextPiece', () => {
  test('P-1 whatever the reader’s pace, the pieces add up to the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (words, reads) => {
        let sent = '';
        let text = '';
        words.forEach((word, index) => {
          text += word;
          if (!reads[index]) return;
          const next = nextPiece(sent, { text, restarted: false, ended: false });
          if (next.kind === 'piece') sent += next.text;
        });
        const last = nextPiece(sent, { text, restarted: false, ended: true });
        if (last.kind === 'piece') sent += last.text;
        expect(sent).toBe(text);
        expect(nextPiece(sent, { text, restarted: false, ended: true })).toEqual({ kind: 'done' });
      }),
    );
  });

  test('P-1 after a restart nothing that contradicts what was sent goes out', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.boolean(), (sent, text, ended) => {
        const next = nextPiece(sent, { text, restarted: true, ended });
        if (next.kind === 'piece') expect(sent + next.text).toBe(text);
        if (next.kind === 'done') expect(text).toBe(sent);
        if (next.kind === 'wait') expect(sent.startsWith(text)).toBe(true);
        if (next.kind === 'diverged') expect(text.startsWith(sent)).toBe(false);
      }),
    );
  });
});
