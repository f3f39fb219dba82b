import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8Length, type ChunkEvent, type LogEvent } from '@runnel/protocol';
import { MAX_UNSENT_BYTES, SendQueue, type Wire } from './send-queue.ts';
import { control, logged, position, type Outgoing } from '../follow/wire-event.ts';

/** A socket whose reader takes what the test lets it. */
class SlowWire implements Wire {
  readonly sent: Outgoing[] = [];
  readonly #waiting: { bytes: number; written: (() => void) | undefined }[] = [];
  open = false;

  get backlog(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  write(event: Outgoing, _logId: string | null, written?: () => void): void {
    this.sent.push(event);
    if (!this.open) this.#waiting.push({ bytes: event.bytes.length, written });
    else if (written) queueMicrotask(written);
  }

  /** The reader takes everything that was written. */
  drain(): void {
    for (const { written } of this.#waiting.splice(0)) written?.();
  }
}

const C = 'c1';
let at = 0;
const chunk = (offset: number, text: string, { runId = 'r1', conversationId = C, from = at } = {}): Outgoing => {
  const event: ChunkEvent = { type: 'chunk', conversationId, offset, runId, at: from, t: 1, text };
  at = from + utf8Length(text);
  return logged('chunk', conversationId, offset, 'L', Buffer.from(JSON.stringify(event)));
};
const title = (offset: number): Outgoing =>
  logged('title', C, offset, 'L', Buffer.from(JSON.stringify({ type: 'title', conversationId: C, offset, title: 't' } satisfies LogEvent)));
const read = (event: Outgoing): ChunkEvent => JSON.parse(event.bytes.toString()) as ChunkEvent;
const FILL = 'x'.repeat(20_000);

const stuck = () => {
  at = 0;
  const wire = new SlowWire();
  const state = { slow: 0, merged: 0 };
  const queue = new SendQueue(wire, { slow: () => state.slow++, merged: () => state.merged++ });
  queue.send(chunk(1, FILL), 'L');
  return { wire, queue, state };
};

test('a socket that keeps up gets the published bytes themselves', () => {
  at = 0;
  const wire = new SlowWire();
  wire.open = true;
  const queue = new SendQueue(wire, { slow: () => {} });
  const events = [chunk(1, 'a'), chunk(2, 'b'), title(3)];
  for (const event of events) queue.send(event, 'L');
  expect(wire.sent.map((e) => e.bytes)).toEqual(events.map((e) => e.bytes));
  expect(wire.sent[0]!.bytes).toBe(events[0]!.bytes);
});

test('W-14 nothing is held that no write would tell of, whatever else fills the socket', () => {
  at = 0;
  const wire = new SlowWire();
  const queue = new SendQueue(wire, { slow: () => {} });
  // A small event on an empty socket; then more than that of another's making (pongs), and nobody who tells when it has left.
  queue.send(chunk(1, 'a'), 'L');
  wire.write(title(9), null);
  wire.write({ ...title(9), bytes: Buffer.alloc(20_000) }, null);
  const others = wire.sent.length;
  queue.send(chunk(2, 'b'), 'L');
  queue.send(chunk(3, 'c'), 'L');
  queue.send(chunk(4, 'd'), 'L');
  wire.drain();
  expect(wire.sent.slice(others).map((event) => read(event).text)).toEqual(['b', 'cd']);
});

test('W-14 chunks that wait become one, with the offsets it covers', () => {
  const { wire, queue, state } = stuck();
  for (const [index, text] of ['một ', 'hai ', 'ba'].entries()) queue.send(chunk(index + 2, text), 'L');
  wire.drain();
  expect(wire.sent).toHaveLength(2);
  expect(read(wire.sent[1]!)).toEqual({
    type: 'chunk',
    conversationId: C,
    offset: 4,
    from: 2,
    runId: 'r1',
    at: FILL.length,
    t: 1,
    text: 'một hai ba',
  });
  expect(state).toEqual({ slow: 0, merged: 2 });
});

test('W-14 order is kept: a chunk never joins across another event of its conversation', () => {
  const { wire, queue } = stuck();
  for (const event of [chunk(2, 'a'), chunk(3, 'b'), title(4), chunk(5, 'c'), chunk(6, 'd')]) queue.send(event, 'L');
  wire.drain();
  expect(wire.sent.slice(1).map((e) => [e.type, read(e).from ?? e.offset, e.offset])).toEqual([
    ['chunk', 2, 3],
    ['title', 4, 4],
    ['chunk', 5, 6],
  ]);
});

test('W-14 two conversations on one socket are merged apart', () => {
  const { wire, queue } = stuck();
  const start = at;
  queue.send(chunk(2, 'a'), 'L');
  queue.send(chunk(9, 'A', { conversationId: 'c2', runId: 'r2', from: 0 }), 'M');
  queue.send(chunk(3, 'b', { from: start + 1 }), 'L');
  queue.send(chunk(10, 'B', { conversationId: 'c2', runId: 'r2', from: 1 }), 'M');
  wire.drain();
  expect(wire.sent.slice(1).map((e) => read(e).text)).toEqual(['ab', 'AB']);
});

test('W-14 past 1 MiB unsent the reader is too slow, once', () => {
  const { wire, queue, state } = stuck();
  const piece = 'y'.repeat(50_000);
  for (let offset = 2; offset < 40; offset++) queue.send(chunk(offset, piece), 'L');
  expect(state.slow).toBe(1);
  expect(queue.unsent).toBeLessThanOrEqual(wire.backlog);
  wire.drain();
  expect(wire.sent).toHaveLength(1);
});

test('P-8 what a closed or slow socket makes the node hold is bounded', () => {
  const { queue } = stuck();
  for (let offset = 2; offset < 200; offset++) {
    queue.send(chunk(offset, 'z'.repeat(60_000)), 'L');
    expect(queue.unsent).toBeLessThan(MAX_UNSENT_BYTES + 200_000);
  }
});

test('a snapshot larger than the limit is no sign of a slow reader', () => {
  const { wire, queue, state } = stuck();
  wire.drain();
  const text = 'm'.repeat(3 * MAX_UNSENT_BYTES);
  const message = { messageId: 'm1', parentId: null, role: 'user', text, status: 'complete', createdAt: 1 } as const;
  queue.send(
    position({ type: 'snapshot', conversationId: C, logId: 'L', offset: 9, title: '', messages: [message], run: null, hasMore: false }),
    'L',
  );
  queue.send(title(10), 'L');
  expect(state.slow).toBe(0);
  wire.drain();
  expect(wire.sent.map((e) => e.type)).toEqual(['chunk', 'snapshot', 'title']);
});

test('a snapshot replaces what waits for its conversation, and nothing else', () => {
  const { wire, queue } = stuck();
  queue.send(title(2), 'L');
  queue.send(control({ type: 'ok', id: 1 }), null);
  queue.send(
    position({ type: 'snapshot', conversationId: C, logId: 'L', offset: 9, title: '', messages: [], run: null, hasMore: false }),
    'L',
  );
  wire.drain();
  expect(wire.sent.map((e) => e.type)).toEqual(['chunk', 'ok', 'snapshot']);
});

test('hints are not kept for who is behind', () => {
  const { wire, queue } = stuck();
  queue.send(control({ type: 'typing', conversationId: C, userId: 'ann', active: true }), null);
  queue.send(control({ type: 'pong' }), null);
  wire.drain();
  expect(wire.sent.map((e) => e.type)).toEqual(['chunk', 'pong']);
});

test('W-14 whenever the reader takes something, it gets every byte once, in order, with offsets that join', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  const step = fc.oneof({ weight: 8, arbitrary: word }, { weight: 1, arbitrary: fc.constantFrom(true, false) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { wire, queue } = stuck();
      let said = FILL;
      let offset = 1;
      for (const what of steps) {
        if (what === true) wire.drain();
        else if (what === false) queue.send(title(++offset), 'L');
        else {
          const text = what.toWellFormed();
          said += text;
          queue.send(chunk(++offset, text), 'L');
          // Backs up again after a drain, as a slow socket does.
          if (wire.backlog === 0) queue.send(chunk(++offset, (said += FILL) && FILL), 'L');
        }
      }
      wire.drain();
      wire.drain();
      let applied = 0;
      let shown = '';
      for (const event of wire.sent) {
        const { from = event.offset, at: position_, text } = read(event);
        expect(from).toBe(applied + 1);
        applied = event.offset;
        if (event.type !== 'chunk') continue;
        expect(position_).toBe(Buffer.byteLength(shown));
        shown += text;
      }
      expect(applied).toBe(offset);
      expect(shown).toBe(said);
    }),
    { numRuns: 200 },
  );
});
