import { createHash } from 'node:crypto';
import { splitIncomplete, utf8Length } from '@runnel/protocol';

/** What stands in the store: the length the next append names, and the digest that `run-ended` carries. */
export interface Standing {
  bytes: number;
  sha256: string;
}

/** A part of the text on its way to the store. */
export interface Piece {
  text: string;
  bytes: number;
  /** When the model gave its first character (ms since the epoch). */
  t: number;
}

/** Characters of one append. What an outage has piled up goes out in several, so that no reader gets one huge event. */
export const MAX_PIECE_CHARS = 16_384;

/**
 * The text of one answer in memory: what stands in the store, then what waits. The digest runs along with what stands, so that
 * ending a long answer costs nothing.
 */
export const createRunText = (standing: string) => {
  const hash = createHash('sha256').update(standing);
  let whole = standing;
  let standingChars = standing.length;
  let standingBytes = utf8Length(standing);
  /** A high surrogate whose other half the provider has not sent yet. */
  let half = '';
  let waiting: { text: string; t: number }[] = [];
  let waitingBytes = 0;

  return {
    /** Takes a delta as the provider cut it. A lone surrogate becomes U+FFFD here, as the store's encoder would make it. */
    push(delta: string, t: number): void {
      const { whole: ready, rest } = splitIncomplete(half + delta);
      half = rest;
      if (ready === '') return;
      const text = ready.toWellFormed();
      whole += text;
      waiting.push({ text, t });
      waitingBytes += utf8Length(text);
    },

    /** What waits, as one piece of at most MAX_PIECE_CHARS; undefined when nothing waits. */
    take(): Piece | undefined {
      const [first] = waiting;
      if (first === undefined) return undefined;
      let text = '';
      let taken = 0;
      for (const part of waiting) {
        if (text.length + part.text.length > MAX_PIECE_CHARS) break;
        text += part.text;
        taken++;
      }
      if (taken === 0) {
        text = splitIncomplete(first.text.slice(0, MAX_PIECE_CHARS)).whole;
        waiting[0] = { text: first.text.slice(text.length), t: first.t };
      } else waiting = waiting.slice(taken);
      const bytes = utf8Length(text);
      waitingBytes -= bytes;
      return { text, bytes, t: first.t };
    },

    /** The piece stands in the store now. */
    stands(piece: Piece): void {
      hash.update(piece.text);
      standingChars += piece.text.length;
      standingBytes += piece.bytes;
    },

    /** Forgets what waits: the text is frozen, or the run belongs to another. */
    drop(): void {
      waiting = [];
      waitingBytes = 0;
    },

    get waitingBytes(): number {
      return waitingBytes;
    },
    get standingBytes(): number {
      return standingBytes;
    },
    /** The text that stands, with a piece that may or may not have arrived. */
    standingText: (piece?: Piece): string => whole.slice(0, standingChars + (piece?.text.length ?? 0)),
    /** The whole text, also what waits. */
    get whole(): string {
      return whole;
    },
    standing: (): Standing => ({ bytes: standingBytes, sha256: hash.copy().digest('hex') }),
    /** The same for the first `bytes` bytes; null when the text is shorter than that. */
    standingAt(bytes: number): Standing | null {
      const encoded = Buffer.from(whole);
      if (bytes > encoded.length) return null;
      return { bytes, sha256: createHash('sha256').update(encoded.subarray(0, bytes)).digest('hex') };
    },
  };
};
export type RunText = ReturnType<typeof createRunText>;
