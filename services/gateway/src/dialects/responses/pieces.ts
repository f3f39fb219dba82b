/** A piece of a text, and the byte that it ends at. */
export interface Piece {
  text: string;
  until: number;
}

/** The beginning of a text, at most so many bytes of it and no half of a character. */
export const prefixOf = (text: string, bytes: number): string => {
  const all = Buffer.from(text);
  let end = Math.min(bytes, all.length);
  while (end > 0 && end < all.length && (all[end]! & 0xc0) === 0x80) end--;
  return all.toString('utf8', 0, end);
};

/**
 * What has come of a text behind its byte `from`, cut where the log has it: whoever reads the same text gets the same pieces, as long as the
 * log lives. Pure.
 */
export const piecesOf = (more: string, from: number, cuts: readonly number[]): Piece[] => {
  const bytes = Buffer.from(more);
  const end = from + bytes.length;
  const pieces: Piece[] = [];
  let at = from;
  for (const until of [...cuts, end]) {
    if (until <= at || until > end) continue;
    pieces.push({ text: bytes.toString('utf8', at - from, until - from), until });
    at = until;
  }
  return pieces;
};
