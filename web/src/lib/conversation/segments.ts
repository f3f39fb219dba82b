import type { Part } from '@runnel/protocol';

/** A stretch of an answer: what stands before a piece of its text, and that piece. */
export interface Segment {
  parts: readonly Part[];
  text: string;
}

/** The UTF-16 index of a byte of a text; its length where the text does not go so far. */
const indexOfByte = (text: string, byte: number): number => {
  let held = 0;
  let i = 0;
  while (i < text.length && held < byte) {
    const point = text.codePointAt(i)!;
    held += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    i += point < 0x10000 ? 1 : 2;
  }
  return i;
};

const FENCE = /^ {0,3}(`{3,}|~{3,})/gm;
/** A card in the middle of a code block would cut the block in two. */
const endsInCode = (text: string): boolean => {
  let open: string | null = null;
  for (const [, mark] of text.matchAll(FENCE)) {
    if (open === null) open = mark!;
    else if (mark!.startsWith(open)) open = null;
  }
  return open !== null;
};

/**
 * An answer in the order in which it is read: by `at`, then by `index`. Sources are listed at its end. A part inside a code block stands
 * before the next piece of text instead. Pure.
 */
export const segmentsOf = (text: string, parts: readonly Part[]): Segment[] => {
  const shown = parts.filter(({ kind }) => kind !== 'source').toSorted((a, b) => a.at - b.at || a.index - b.index);
  const segments: Segment[] = [];
  let before: Part[] = [];
  /** In code: they follow it. */
  let late: Part[] = [];
  let from = 0;
  for (const part of shown) {
    const to = indexOfByte(text, part.at);
    if (to === from) before.push(part);
    else if (endsInCode(text.slice(from, to))) late.push(part);
    else {
      segments.push({ parts: before, text: text.slice(from, to) });
      before = [...late, part];
      late = [];
      from = to;
    }
  }
  segments.push({ parts: before, text: text.slice(from) });
  if (late.length > 0) segments.push({ parts: late, text: '' });
  return segments;
};
