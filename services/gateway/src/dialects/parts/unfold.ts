import { utf8Length, type Part } from '@runnel/protocol';

/** How far an answer was told: text in characters and in bytes, and how many of its parts. */
export interface Unfolded {
  chars: number;
  bytes: number;
  parts: number;
}
export const NOTHING_TOLD: Unfolded = { chars: 0, bytes: 0, parts: 0 };

export type Piece = { kind: 'text'; text: string } | { kind: 'part'; part: Part };

/** The beginning of a text of at most so many bytes, no half of a character. */
const upTo = (text: string, bytes: number): string => {
  if (bytes >= utf8Length(text)) return text;
  const all = Buffer.from(text);
  let end = Math.max(0, bytes);
  while (end > 0 && (all[end]! & 0xc0) === 0x80) end--;
  return all.toString('utf8', 0, end);
};

/**
 * What comes behind what was told: each new part before the byte at which it stands, and the text around them. A part that comes late
 * stands where the telling is. Pure.
 */
export const unfold = (answer: { text: string; parts: readonly Part[] }, told: Unfolded): { pieces: Piece[]; told: Unfolded } => {
  const pieces: Piece[] = [];
  let { chars, bytes, parts } = told;
  const tell = (text: string): void => {
    if (text === '') return;
    pieces.push({ kind: 'text', text });
    chars += text.length;
    bytes += utf8Length(text);
  };
  for (const part of answer.parts.slice(parts)) {
    if (part.at > bytes) tell(upTo(answer.text.slice(chars), part.at - bytes));
    pieces.push({ kind: 'part', part });
    parts++;
  }
  tell(answer.text.slice(chars));
  return { pieces, told: { chars, bytes, parts } };
};
