import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinBatches, packChunks, toStretch, unpackChunks, withoutRepeats, type Chunk, type Stretch } from './pack-timeline.ts';
import type { TimelineRow } from '../database/timeline-table.ts';

const whole = fc.oneof(fc.nat({ max: 200 }), fc.maxSafeNat());
const anyChunks = fc.array(fc.tuple(whole, whole, whole), { maxLength: 40 });

test('chunks come out as they went in, and nothing in them needs an escape', () => {
  fc.assert(
    fc.property(anyChunks, (chunks) => {
      // Twice a number that JavaScript only just holds is none that it holds.
      const small = chunks.map(([offset, ms, bytes]): Chunk => [Math.floor(offset / 4), ms, bytes]);
      const text = packChunks(small);
      expect(unpackChunks(text)).toEqual(small);
      expect(text).toMatch(/^[!-~]*$/);
      expect(text).not.toContain('\\');
    }),
  );
});

test('a text that somebody changed gives what can be read', () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(unpackChunks(text))));
});

/** Batches of a run at 20 words a second, four a second. */
const batchesOf = (count: number, epoch = 1): Stretch[] =>
  Array.from({ length: count }, (_, batch) => ({
    ...{ conversationId: 'c', runId: 'r', epoch, batch, last: batch, startedAt: 1_000, at: batch * 35 },
    chunks: Array.from({ length: 5 }, (_, i): Chunk => [5 * batch + i + 2, 250 * batch + 50 * i, 7]),
  }));

const store = (rows: readonly TimelineRow[], written: readonly TimelineRow[]): TimelineRow[] => {
  const byKey = new Map(rows.map((row) => [`${row.epoch} ${row.batch}`, row]));
  for (const row of written) byKey.set(`${row.epoch} ${row.batch}`, row);
  return [...byKey.values()];
};
const chunksIn = (rows: readonly TimelineRow[]): Chunk[] => withoutRepeats(rows.map(toStretch)).flatMap(({ chunks }) => chunks);

test('300 words are one row of less than 800 characters, however their batches are cut into transactions and repeated', () => {
  const batches = batchesOf(60);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(59), fc.integer({ min: 1, max: 60 })), { maxLength: 12 }), (cuts) => {
      let rows: TimelineRow[] = [];
      let reached = 0;
      // Each transaction begins where the position stands, or before: what was stored comes again.
      for (const [back, many] of [...cuts, [0, 60] as const]) {
        const from = Math.max(0, reached - back);
        rows = store(rows, joinBatches(rows, batches.slice(from, from + many)));
        reached = Math.max(reached, Math.min(60, from + many));
      }
      rows = store(rows, joinBatches(rows, batches.slice(reached)));
      expect(rows).toHaveLength(1);
      expect(rows[0]!.packed!.length).toBeLessThan(800);
      expect(chunksIn(rows)).toEqual(batches.flatMap(({ chunks }) => chunks));
    }),
  );
});

test('a hole, another epoch and a long answer begin a row of their own', () => {
  const [first, , third] = batchesOf(3);
  expect(joinBatches([], [first!, third!])).toHaveLength(2);
  expect(joinBatches([], [...batchesOf(2), ...batchesOf(2, 2)]).map(({ epoch, last }) => [epoch, last])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(joinBatches([], batchesOf(400)).map(({ last }) => last)).toEqual([159, 319, 399]);
});

test('rows of 0.1.0 stay, and what comes again over them is told once', () => {
  const batches = batchesOf(4);
  const old = batches
    .slice(0, 3)
    .map(({ chunks, ...batch }): TimelineRow => ({ ...batch, last: null, packed: null, chunks: JSON.stringify(chunks) }));
  const rows = store(old, joinBatches(old, batches));
  expect(rows.map(({ packed }) => packed === null)).toEqual([true, true, true, false]);
  expect(chunksIn(rows)).toEqual(batches.flatMap(({ chunks }) => chunks));
  // Another writer that saw none of them.
  const both = store(rows, joinBatches([], batches));
  expect(chunksIn(both)).toEqual(batches.flatMap(({ chunks }) => chunks));
});
