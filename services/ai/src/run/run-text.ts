import type { AppendChunkResult, RestoreRunResult } from '@runnel/coordination';
import { createHash, type Hash } from 'node:crypto';
import { splitIncomplete, utf8Length } from '@runnel/protocol';
import { opBytes } from './part-op.ts';
import type { PartOp } from './run-parts.ts';

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

interface Said {
  text: string;
  t: number;
  op?: undefined;
}

/** Characters of one append. What an outage has piled up goes out in several, so that no reader gets one huge event. */
export const MAX_PIECE_CHARS = 16_384;

/** Characters that may be held as the tokens they came as. */
const LOOSE_CHARS = 64 * 1024;

/** What an append loop tells of its way to the store. */
export interface AppendObserver {
  /** `offset`: of the event, when it is a new one. */
  appended?(outcome: AppendChunkResult['outcome'], ms: number, piece: Piece, offset?: number): void;
  /** So many bytes of a part, or of what is streamed of it, are in the store. */
  partWritten?(bytes: number): void;
  restored?(outcome: RestoreRunResult['outcome']): void;
  /** The store did not answer, for the first time in a row. */
  troubled?(error: unknown): void;
}

/**
 * The text of one answer in memory: what stands in the store, then what waits. The digest runs along with what stands, so that
 * ending a long answer costs nothing.
 */
export class RunText {
  readonly #hash: Hash;
  #whole: string;
  /** Of the whole, what V8 still holds token by token: ten times its size. */
  #looseChars = 0;
  #standingChars: number;
  #standingBytes: number;
  /** A high surrogate whose other half the provider has not sent yet. */
  #half = '';
  #waiting: (Said | { op: PartOp })[] = [];
  #waitingBytes = 0;
  #pushedBytes: number;

  constructor(standing: string) {
    this.#hash = createHash('sha256').update(standing);
    this.#whole = standing;
    this.#standingChars = standing.length;
    this.#standingBytes = utf8Length(standing);
    this.#pushedBytes = this.#standingBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }
  get standingBytes(): number {
    return this.#standingBytes;
  }
  /** The whole text, also what waits. */
  get whole(): string {
    return this.#whole;
  }

  /** Takes a delta as the provider cut it. A lone surrogate becomes U+FFFD here, as the store's encoder would make it. */
  push(delta: string, t: number): void {
    const { whole: ready, rest } = splitIncomplete(this.#half + delta);
    this.#half = rest;
    if (ready === '') return;
    const text = ready.toWellFormed();
    this.#whole += text;
    this.#looseChars += text.length;
    if (this.#looseChars > Math.max(LOOSE_CHARS, this.#whole.length / 8)) this.#flatten();
    this.#waiting.push({ text, t });
    const bytes = utf8Length(text);
    this.#waitingBytes += bytes;
    this.#pushedBytes += bytes;
  }

  /** Where in the text a part would stand that begins now. */
  get pushedBytes(): number {
    return this.#pushedBytes;
  }

  /** A change of a part, behind all that was said so far. Pieces of one field are joined while they wait. */
  mark(op: PartOp): void {
    this.#waitingBytes += opBytes(op);
    const last = this.#waiting.at(-1)?.op;
    if (
      op.kind === 'chunk' &&
      last?.kind === 'chunk' &&
      last.partId === op.partId &&
      last.field === op.field &&
      last.text.length < MAX_PIECE_CHARS
    )
      this.#waiting[this.#waiting.length - 1] = { op: { ...last, text: last.text + op.text } };
    else this.#waiting.push({ op });
  }

  /** The next in line, when it is a change of a part. */
  takeOp(): PartOp | undefined {
    const op = this.#waiting[0]?.op;
    if (op === undefined) return undefined;
    this.#waiting = this.#waiting.slice(1);
    this.#waitingBytes -= opBytes(op);
    return op;
  }

  /** Reading one character makes V8 flatten the concatenated string. */
  #flatten(): void {
    this.#whole.charCodeAt(0);
    this.#looseChars = 0;
  }

  /** The model says nothing more: half of a character that was never completed is what it is, U+FFFD. */
  finish(t: number): void {
    if (this.#half === '') return;
    this.#half = '';
    this.push('\uFFFD', t);
  }

  /** What waits, as one piece of at most MAX_PIECE_CHARS; undefined when nothing waits. */
  take(): Piece | undefined {
    const [first] = this.#waiting;
    if (first === undefined || first.op) return undefined;
    let text = '';
    let taken = 0;
    for (const part of this.#waiting) {
      if (part.op || text.length + part.text.length > MAX_PIECE_CHARS) break;
      text += part.text;
      taken++;
    }
    if (taken === 0) {
      text = splitIncomplete(first.text.slice(0, MAX_PIECE_CHARS)).whole;
      this.#waiting[0] = { text: first.text.slice(text.length), t: first.t };
    } else this.#waiting = this.#waiting.slice(taken);
    const bytes = utf8Length(text);
    this.#waitingBytes -= bytes;
    return { text, bytes, t: first.t };
  }

  /** The piece stands in the store now. */
  stands(piece: Piece): void {
    this.#hash.update(piece.text);
    this.#standingChars += piece.text.length;
    this.#standingBytes += piece.bytes;
  }

  /** Forgets what waits: the text is frozen, or the run belongs to another. */
  drop(): void {
    for (const { op } of this.#waiting) if (op?.kind === 'put') op.settle('stopped');
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#half = '';
  }

  /** The text that stands, with a piece that may or may not have arrived. */
  standingText(piece?: Piece): string {
    return this.#whole.slice(0, this.#standingChars + (piece?.text.length ?? 0));
  }

  standing(): Standing {
    return { bytes: this.#standingBytes, sha256: this.#hash.copy().digest('hex') };
  }

  /** The same for the first `bytes` bytes; null when the text is shorter than that. */
  standingAt(bytes: number): Standing | null {
    const encoded = Buffer.from(this.#whole);
    if (bytes > encoded.length) return null;
    return { bytes, sha256: createHash('sha256').update(encoded.subarray(0, bytes)).digest('hex') };
  }
}
