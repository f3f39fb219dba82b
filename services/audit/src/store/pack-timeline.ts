import type { TimelineRow } from '../database/timeline-table.ts';

/** Offset of the event, ms since the start of the run, bytes. */
export type Chunk = readonly [offset: number, ms: number, bytes: number];

/** Batches of one epoch that followed each other, as one: `batch` to `last`, from byte `at` on. */
export interface Stretch extends Omit<TimelineRow, 'chunks' | 'packed' | 'last'> {
  last: number;
  chunks: Chunk[];
}

/**
 * Chunks of one row: it stays below 2 kB, which PostgreSQL keeps in its place and writes anew with each batch at the cost of an insert.
 */
const MOST = 800;

// Printable, and nothing that COPY or JSON would have to escape. A number is a digit that ends it behind any number of those that go on.
const ENDING = Array.from({ length: 71 }, (_, i) => String.fromCharCode(35 + i)).map((c) => (c === '\\' ? '~' : c));
const GOING_ON = Array.from({ length: 20 }, (_, i) => String.fromCharCode(106 + i));
const VALUES = new Map([...ENDING.map((c, i) => [c, i] as const), ...GOING_ON.map((c, i) => [c, i + ENDING.length] as const)]);
/** In front of a chunk whose event is not the next one of the log, and of one whose clock went back. */
const JUMP = '!';
const BACK = '"';

const numeral = (value: number): string => {
  let text = '';
  let rest = value;
  for (; rest >= ENDING.length; rest = Math.floor((rest - ENDING.length) / GOING_ON.length))
    text += GOING_ON[(rest - ENDING.length) % GOING_ON.length];
  return text + ENDING[rest];
};
/** Negative numbers between the others. */
const unsigned = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);
const signed = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/** Chunks as a text of about two characters each. Pure. */
export const packChunks = (chunks: readonly Chunk[]): string => {
  let text = '';
  let [offset, ms] = [0, 0];
  for (const [thisOffset, thisMs, bytes] of chunks) {
    if (thisOffset !== offset + 1) text += JUMP + numeral(unsigned(thisOffset - offset - 1));
    text += thisMs < ms ? BACK + numeral(ms - thisMs) : numeral(thisMs - ms);
    text += numeral(bytes);
    [offset, ms] = [thisOffset, thisMs];
  }
  return text;
};

/** The chunks of `packChunks`. What somebody made of it by hand gives what can be read. Pure. */
export const unpackChunks = (text: string): Chunk[] => {
  let place = 0;
  const number = (): number => {
    let [value, weight] = [0, 1];
    for (; place < text.length; place++) {
      const digit = VALUES.get(text[place]!) ?? 0;
      if (digit < ENDING.length) return (place++, value + weight * digit);
      value += weight * digit;
      weight *= GOING_ON.length;
    }
    return value;
  };
  const sees = (sign: string): boolean => text[place] === sign && place++ >= 0;
  const chunks: Chunk[] = [];
  let [offset, ms] = [0, 0];
  while (place < text.length) {
    offset += 1 + (sees(JUMP) ? signed(number()) : 0);
    ms += sees(BACK) ? -number() : number();
    chunks.push([offset, ms, number()]);
  }
  return chunks;
};

const bytesOf = (chunks: readonly Chunk[]): number => chunks.reduce((sum, [, , bytes]) => sum + bytes, 0);

export const toStretch = ({ packed, chunks, last, ...row }: TimelineRow): Stretch => ({
  ...row,
  last: last ?? row.batch,
  chunks: packed === null ? (JSON.parse(chunks) as Chunk[]) : unpackChunks(packed),
});

/** An older release reads an empty `chunks` as a hole. */
const toRow = ({ chunks, ...stretch }: Stretch): TimelineRow => ({ ...stretch, chunks: '[]', packed: packChunks(chunks) });

const inOrder = (a: Stretch, b: Stretch): number => a.epoch - b.epoch || a.batch - b.batch;

/** Without those that another one holds already, in order. Pure. */
export const withoutRepeats = (stretches: readonly Stretch[]): Stretch[] => {
  const kept: Stretch[] = [];
  for (const stretch of stretches.toSorted((a, b) => inOrder(a, b) || b.last - a.last)) {
    const before = kept.at(-1);
    if (before?.epoch !== stretch.epoch || before.last < stretch.last) kept.push(stretch);
  }
  return kept;
};

const goesOn = (before: Stretch, batch: Stretch): boolean =>
  before.epoch === batch.epoch &&
  before.last + 1 === batch.batch &&
  before.startedAt === batch.startedAt &&
  before.at + bytesOf(before.chunks) === batch.at &&
  before.chunks.length + batch.chunks.length <= MOST;

/**
 * What of one run's timeline has to be written when these batches come: rows that are there go on, batches that are there are passed
 * over, so a batch may come again. Pure.
 *
 * @param known rows of the run; those of 0.1.0 are a batch each, and stay as they are
 */
export const joinBatches = (known: readonly TimelineRow[], batches: readonly Stretch[]): TimelineRow[] => {
  const there = known.map(toStretch);
  const open = known.flatMap((row, i) => (row.packed === null ? [] : [there[i]!]));
  const changed = new Set<Stretch>();
  for (const batch of batches.toSorted(inOrder)) {
    if (there.some(({ epoch, batch: first, last }) => epoch === batch.epoch && first <= batch.batch && batch.batch <= last)) continue;
    let stretch = open.find((before) => goesOn(before, batch));
    if (stretch) {
      stretch.chunks = [...stretch.chunks, ...batch.chunks];
      stretch.last = batch.last;
    } else {
      stretch = { ...batch };
      there.push(stretch);
      open.push(stretch);
    }
    changed.add(stretch);
  }
  return Array.from(changed, toRow);
};
