import { crc32 } from 'node:zlib';
import { SHOWN_BYTES } from '@runnel/protocol';
import { bytesBehind, startOf, textNumber, thoughtBehind, type Thought } from './thoughts.ts';

// A `sequence_number` is a place in the answer (`thoughts.ts`), and a check of what is told up to there: a client that comes back with it
// proves what it holds, to any gateway, for as long as the message lives. A model that began again and said something else is found out by
// that. Clients only compare numbers; some keep them in 31 bits, so long answers have shorter checks.

const BITS: readonly { from: number; bits: number }[] = [
  { from: 0, bits: 17 },
  { from: 2 ** 12, bits: 13 },
  { from: 2 ** 16, bits: 9 },
  { from: 2 ** 20, bits: 5 },
];
const ROWS = BITS.reduce<{ from: number; width: number; base: number }[]>((rows, { from, bits }) => {
  const last = rows.at(-1);
  return [...rows, { from, width: 2 ** bits, base: last ? last.base + (from - last.from) * last.width : 0 }];
}, []);

/** What was told, as a number that differs where the telling does; 0: nothing. */
export type Tape = number;
export const BLANK: Tape = 0;

/** The number of the event at this place, behind which the client holds `tape`. Odd, but for who holds nothing. */
export const numberAt = (place: number, tape: Tape): number => {
  const { from, width, base } = ROWS.findLast((row) => row.from <= place)!;
  // The upper bits of a product hang on all bits of the factor.
  const check = tape === BLANK ? 0 : ((Math.imul(tape, 0x9e3779b1) >>> 0) % (width / 2)) * 2 + 1;
  return base + (place - from) * width + check;
};

/** Where the event of this number stands. */
export const placeOf = (number: number): number => {
  const { from, width, base } = ROWS.findLast((row) => row.base <= number) ?? ROWS[0]!;
  return from + Math.floor((number - base) / width);
};

/** The first place at which anybody holds something: that of a message or a thought that begins. */
const FIRST_HELD = 2;
/** Clients keep numbers in 31 bits, so none above is given. */
const MOST = 2 ** 31 - 1;

/** A number that may have been given to somebody who held something: those alone prove anything. What people make up is small, or huge. */
export const isProof = (number: number): boolean => number % 2 === 1 && placeOf(number) >= FIRST_HELD && number <= MOST;

/** A number behind all that was sent, which proves nothing true. */
export const numberBehind = (number: number): number => number + (number % 2 === 1 ? 2 : 1);

/** Of a thought, so many bytes count: after its end its message has no more than that for certain. */
const COUNTED = SHOWN_BYTES / 2;

/** Whether the text has begun where this event is told, or there is none. */
export const isTextBegun = (thoughts: readonly Thought[], place: number): boolean => place >= textNumber(thoughts, 0) - 1;

/** A thought, or the text, begins. */
export const begun = (tape: Tape, what: 'thought' | 'text'): Tape => crc32(what, tape) || 1;
export const withText = (tape: Tape, text: string): Tape => crc32(text, tape) || 1;
/** More of a thought, behind its byte `from`. */
export const withThought = (tape: Tape, more: Buffer, from: number): Tape =>
  from >= COUNTED ? tape : crc32(more.subarray(0, COUNTED - from), tape) || 1;

/** What a client holds of this answer that has seen everything up to a place. Pure. */
export const tapeUpTo = (thoughts: readonly Thought[], text: string, place: number): Tape => {
  const all = Buffer.from(text);
  const bytes = Math.min(bytesBehind(thoughts, place), all.length);
  let tape = BLANK;
  let fed = 0;
  let isOpen = false;
  const feed = (until: number): void => {
    if (!isOpen && isTextBegun(thoughts, place)) [isOpen, tape] = [true, begun(tape, 'text')];
    if (until > fed) tape = crc32(all.subarray(fed, until), tape) || 1;
    fed = Math.max(fed, until);
  };
  for (const [index, thought] of thoughts.entries()) {
    if (thought.at > 0) feed(Math.min(thought.at, bytes));
    if (place <= startOf(thoughts, index)) continue;
    const told = Buffer.from(thought.text).subarray(0, thoughtBehind(thoughts, index, place));
    tape = withThought(begun(tape, 'thought'), told, 0);
  }
  feed(bytes);
  return tape;
};
