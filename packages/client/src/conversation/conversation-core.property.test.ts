/**
 * The promise behind everything a reader sees: whatever the network, takeovers and slow-reader merging do to the events,
 * the screen ends up being the log (P-1, W-7 … W-14). Events are written by `writeLog`, which shares no code with the client.
 */
import {
  isLogged,
  joinChunks,
  sha256Hex,
  utf8Length,
  type ConversationState,
  type Cursor,
  type LogEvent,
  type SnapshotEvent,
} from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writtenLog, type WrittenLog } from '@runnel/protocol/testing';
import { createCore, reduce, type ConversationCore, type CoreEffect, type CoreInput } from './conversation-core.ts';

type Wire = Extract<CoreInput, { kind: 'event' }>['event'];

type Fault =
  | { do: 'write'; count: number; merge: boolean }
  | { do: 'deliver'; count: number }
  /** An event of the log that was delivered before comes once more. */
  | { do: 'repeat'; pick: number }
  /** An event of the log never arrives: a gateway that errs. */
  | { do: 'lose'; pick: number }
  | { do: 'garble'; pick: number }
  | { do: 'reconnect' }
  /** The store lost its data and the log begins again under another id. */
  | { do: 'newLog' }
  | { do: 'hash' };

/** A gateway and a network between it and one reader. */
class World {
  core: ConversationCore;
  readonly #logs: readonly WrittenLog[];
  readonly #tails: Iterator<boolean>;
  #log: WrittenLog;
  #written = 0;
  #wire: Wire[] = [];
  #seen: Wire[] = [];
  #proofs: Extract<CoreEffect, { do: 'prove' }>[] = [];
  #now = 0;

  constructor(logs: readonly WrittenLog[], tails: Iterator<boolean>) {
    this.#logs = logs;
    this.#tails = tails;
    this.#log = logs[0]!;
    this.core = createCore(this.#log.conversationId);
    this.#put({ kind: 'connected' });
  }

  async perform(fault: Fault): Promise<void> {
    if (fault.do === 'write') this.#write(fault.count, fault.merge);
    else if (fault.do === 'deliver') this.#deliver(fault.count);
    else if (fault.do === 'repeat' && this.#seen.length > 0) this.#wire.unshift(this.#seen[fault.pick % this.#seen.length]!);
    else if (fault.do === 'lose') this.#wire = this.#wire.filter((event) => !isLogged(event) || event !== this.#pick(fault.pick));
    else if (fault.do === 'garble') this.#garble(fault.pick);
    else if (fault.do === 'reconnect') this.#reconnect();
    else if (fault.do === 'newLog') this.#newLog();
    else if (fault.do === 'hash') await this.#hash();
  }

  /** From now on nothing fails: the log is finished, and the reader is told its end or comes back, and gets what it asks for. */
  async calm(end: 'reconnect' | 'live'): Promise<void> {
    this.#write(Infinity, false);
    const { conversationId, logId, offset } = this.truth;
    if (end === 'reconnect') this.#reconnect();
    else this.#wire.push({ type: 'live', conversationId, logId, offset });
    for (let i = 0; i < 20; i++) {
      this.#deliver(Infinity);
      await this.#hash();
      if (this.#wire.length === 0 && this.core.following === null) return;
      if (this.#wire.length === 0) this.#put({ kind: 'late' });
    }
    throw new Error('the reader never came to rest');
  }

  get truth(): SnapshotEvent {
    return this.#log.snapshotAt(this.#written);
  }

  #put(input: CoreInput): void {
    const [core, effects] = reduce(this.core, input, (this.#now += 10));
    this.core = core;
    for (const effect of effects) {
      if (effect.do === 'follow') this.#answer(effect.cursor);
      else if (effect.do === 'prove') this.#proofs.push(effect);
    }
  }

  #answer(cursor: Cursor | null): void {
    const { conversationId, logId } = this.truth;
    const tail = cursor && cursor.logId === logId && cursor.offset <= this.#written && this.#tails.next().value;
    if (tail) this.#wire.push(...this.#log.events.slice(cursor.offset, this.#written));
    else this.#wire.push(this.truth);
    this.#wire.push({ type: 'live', conversationId, logId, offset: this.#written });
  }

  #write(count: number, merge: boolean): void {
    for (const event of this.#log.events.slice(this.#written, this.#written + count)) {
      const last = this.#wire.at(-1);
      const joined = merge && event.type === 'chunk' && last?.type === 'chunk' ? joinChunks(last, event, utf8Length(last.text)) : null;
      if (joined) this.#wire[this.#wire.length - 1] = joined;
      else this.#wire.push(event);
      this.#written = event.offset;
    }
  }

  #deliver(count: number): void {
    for (let i = 0; i < count && this.#wire.length > 0; i++) {
      const event = this.#wire.shift()!;
      if (isLogged(event)) this.#seen.push(event);
      else if (event.type === 'snapshot') this.#seen = [];
      this.#put({ kind: 'event', event });
    }
  }

  /** One character of a chunk on the wire becomes another of the same length, so that only the digest can tell. */
  #garble(pick: number): void {
    const event = this.#pick(pick);
    if (event?.type !== 'chunk') return;
    this.#wire[this.#wire.indexOf(event)] = { ...event, text: event.text.replace(/[a \n"]/g, 'b') };
  }

  #pick(pick: number): Wire | undefined {
    return this.#wire[pick % (this.#wire.length || 1)];
  }

  #reconnect(): void {
    this.#wire = [];
    this.#put({ kind: 'disconnected' });
    this.#put({ kind: 'connected' });
  }

  #newLog(): void {
    const next = this.#logs[this.#logs.indexOf(this.#log) + 1];
    if (!next) return;
    this.#log = next;
    this.#written = 0;
    this.#answer(null);
  }

  async #hash(): Promise<void> {
    for (const { run, text } of this.#proofs.splice(0)) this.#put({ kind: 'hashed', runId: run.runId, sha256: await sha256Hex(text) });
  }
}

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), count: fc.integer({ min: 1, max: 6 }), merge: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ do: 'reconnect' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'newLog' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'hash' as const }) },
);
const ending = fc.constantFrom('reconnect' as const, 'live' as const);
const faults = fc.array(fault, { maxLength: 60, size: 'max' });
const garble = fc.record({ do: fc.constant('garble' as const), pick: fc.nat() });
const twoLogs = fc.tuple(writtenLog('log-1'), writtenLog('log-2'));

const visible = ({ ended: _ended, run, ...rest }: ConversationState): object => {
  if (!run) return { ...rest, run };
  const { bytes: _bytes, moves: _moves, ...shown } = run;
  return { ...rest, run: shown };
};
const expected = ({ type: _type, ...snapshot }: SnapshotEvent): object => snapshot;
const finished = (log: WrittenLog): boolean => (log.events.at(-1) as LogEvent).type === 'run-ended';

test('P-1 any interleaving of snapshots, events, merged chunks, duplicates, losses, takeovers and reconnects ends in the log', async () => {
  await fc.assert(
    fc.asyncProperty(twoLogs, faults, ending, fc.infiniteStream(fc.boolean()), async (logs, list, end, tails) => {
      const world = new World(logs, tails);
      for (const next of list) await world.perform(next);
      await world.calm(end);
      expect(world.core.sync).toBe('live');
      expect(visible(world.core.conversation)).toEqual(expected(world.truth));
      expect(world.core).toMatchObject({ mismatches: 0, proofs: [], distrust: false });
    }),
    { numRuns: 500 },
  );
});

test('W-10 a text that was garbled on the way is found out by its digest and replaced, whatever else goes wrong', async () => {
  const logs = twoLogs.filter((pair) => pair.every(finished));
  const garbled = fc.array(fc.oneof({ weight: 4, arbitrary: fault }, { weight: 1, arbitrary: garble }), { maxLength: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(logs, garbled, ending, fc.infiniteStream(fc.boolean()), async (pair, list, end, tails) => {
      const world = new World(pair, tails);
      for (const next of list) await world.perform(next);
      await world.calm(end);
      expect(visible(world.core.conversation)).toEqual(expected(world.truth));
      expect(world.core.proofs).toEqual([]);
      expect(world.core.verified).not.toBe('mismatch');
    }),
    { numRuns: 500 },
  );
});
