import { readChunkOffset, readPrefix } from '@runnel/protocol';
import {
  HERE_TYPE,
  RESET_TYPE,
  type ChannelListener,
  type Channels,
  type ConversationReader,
  type StoreHealth,
} from '@runnel/coordination';
import type { View } from './catch-up.ts';
import type { ChunkLatency } from './chunk-latency.ts';
import type { Follower, Reader } from './follower.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Limiter } from './read-slots.ts';
import { control, hint, logged, type Outgoing } from './wire-event.ts';
import { RoomChannel } from './room-channel.ts';
import { RoomPresence, type Neighbours } from './presence.ts';
import { RunKnowledge } from './run-knowledge.ts';
import { SharedReads } from './shared-reads.ts';
import { ChannelWatchdog } from './channel-watchdog.ts';
import type { WaitingRoom } from './waiting-places.ts';

export interface RoomDeps {
  runLog: ConversationReader & Channels & StoreHealth;
  background: Limiter;
  metrics: GatewayMetrics;
  chunkLatency: ChunkLatency;
  random: () => number;
  /** The last follower has left. */
  onEmpty(room: Room): void;
}

const EXPECTED_MS = 250;
/** Longer than any prefix (type, conversation id, offset) and than what precedes `t` in a chunk. */
const HEAD_BYTES = 320;
/** After an interruption every room reads; not all in one instant. */
const HEAL_SPREAD_MS = { running: 50, other: 500 };

/**
 * Incarnation of the log that the channel carries.
 * - `unnamed`: not known yet, or the conversation was reset.
 * - `doubtful`: the channel had a hole, so it may carry another one than was read: only a read says.
 */
type Incarnation = { kind: 'unnamed' | 'doubtful'; logId: null } | { kind: 'named'; logId: string };
const UNNAMED: Incarnation = { kind: 'unnamed', logId: null };
const DOUBTFUL: Incarnation = { kind: 'doubtful', logId: null };

/** One conversation on this node: its channel, its followers, and the watch over the channel's silence. */
export class Room implements Reader, WaitingRoom {
  readonly conversationId: string;
  readonly followers = new Set<Follower>();
  /** Called at every change but `chunk`, and whenever one may have been missed. */
  readonly watchers = new Set<() => void>();
  readonly run = new RunKnowledge();
  readonly #deps: RoomDeps;
  readonly #reads: SharedReads;
  readonly #watchdog: ChannelWatchdog;
  readonly #presence: RoomPresence;
  readonly #listener: ChannelListener = {
    message: (bytes) => this.#message(bytes),
    interrupted: () => this.#watchdog.cut(),
    resubscribed: () => this.#healed(),
  };
  readonly #channel: RoomChannel;
  /** The place in line that was last sent to readers of this room. */
  #place: { runId: string; place: number; event: Outgoing } | null = null;
  #log: Incarnation = UNNAMED;
  /** Last offset the channel brought since it was last whole. */
  #heard = 0;
  /** Last offset known from channel and reads. */
  #known = 0;

  constructor(conversationId: string, deps: RoomDeps) {
    this.conversationId = conversationId;
    this.#deps = deps;
    this.#presence = new RoomPresence(conversationId);
    const { runLog, background, metrics, random } = deps;
    const open = () => runLog.follow(conversationId, this.#listener);
    this.#channel = new RoomChannel({ open, missed: () => this.recheck(), random });
    this.#watchdog = new ChannelWatchdog({ run: this.run, subscribed: () => this.#channel.isOpen, random });
    const learn = (view: View, how: { poll: boolean }) => this.#learn(view, how);
    this.#reads = new SharedReads(conversationId, { runLog, background, metrics, subscribed: this.#channel.tried, learn });
  }

  add(follower: Follower): void {
    this.followers.add(follower);
    this.#deps.metrics.follows.inc();
    this.read(follower);
  }

  leave(follower: Follower): void {
    if (this.followers.delete(follower)) this.#deps.metrics.follows.dec();
    this.#reads.leave(follower);
    if (this.followers.size === 0) this.#deps.onEmpty(this);
  }

  read(follower: Follower): void {
    this.#reads.join(follower, { poll: false });
  }

  /** Polls the log for followers that are up to date: one read for all at the same position. */
  recheck(): void {
    for (const follower of this.followers) if (follower.live) this.#reads.join(follower, { poll: true });
  }

  /** A command of this node changed the log: the event must come soon, by the channel or by reading. */
  expectChange(): void {
    this.#watchdog.atMost(EXPECTED_MS);
  }

  tick(now: number): void {
    if (!this.#watchdog.isOver(now) || this.followers.size === 0) return;
    // Restart the timer now: if the store does not answer this poll, the next one follows after one more interval.
    this.#watchdog.restart();
    this.#hurryIfBehind();
    this.recheck();
  }

  get unwritten(): WaitingRoom['unwritten'] {
    const { unwritten } = this.run;
    return unwritten && this.followers.size > 0 ? { ...unwritten, conversationId: this.conversationId } : null;
  }

  tellPlace(runId: string, place: number): void {
    const told = this.#place?.runId === runId ? this.#place.place : 0;
    if (place === told) return;
    const event = control({ type: 'queued-run', conversationId: this.conversationId, runId, place });
    this.#place = { runId, place, event };
    for (const follower of this.followers) follower.hint(event);
  }

  /** Hints that somebody who has just come up to date has missed and that still hold. */
  *standing(userId: string): Iterable<Outgoing> {
    yield this.#presence.eventFor(userId);
    if (this.#place && this.#place.place > 0 && this.#place.runId === this.run.unwritten?.runId) yield this.#place.event;
  }

  refreshPresence(neighbours: Neighbours, tell: (count: number) => Promise<unknown>, now: number): void {
    const event = this.#presence.look(this.followers, neighbours, tell, now);
    if (event) for (const follower of this.followers) follower.hint(event);
  }

  async close(): Promise<void> {
    this.#changed();
    this.watchers.clear();
    await this.#channel.close();
  }

  /** The hot path: nothing behind the prefix is parsed (L-3). */
  #message(bytes: Buffer): void {
    const head = bytes.toString('latin1', 0, HEAD_BYTES);
    const chunkOffset = readChunkOffset(head, this.conversationId);
    if (chunkOffset > 0) return this.#event('chunk', chunkOffset, bytes, head);
    const prefix = readPrefix(head);
    if (prefix === null) this.#hint(bytes);
    else this.#event(prefix.type, prefix.offset, bytes, head);
  }

  /** One event for all followers. */
  #event(type: string, offset: number, bytes: Buffer, head: string): void {
    if (offset === 1) this.#begin(bytes);
    else if (offset <= this.#heard) return this.#readSoon();
    this.#heard = offset;
    const event = logged(type, this.conversationId, offset, this.#log.logId, bytes);
    this.#reads.hold(event);
    // An offset of another log can equal the next one of ours. Example: we are at 12, the log began again and is at 13. A read decides.
    if (this.#log.kind === 'doubtful') return this.#watchdog.atMost(this.#deps.random() * HEAL_SPREAD_MS.running);
    for (const follower of this.followers) follower.offer(event);
    this.run.note(event);
    this.#deps.metrics.events.inc();
    // A read returned a later offset than the channel has delivered: keep the poll timer until the channel catches up.
    if (offset >= this.#known) {
      this.#known = offset;
      this.#watchdog.heard();
    }
    if (type === 'chunk') this.#deps.chunkLatency.chunk(head);
    else if (type !== 'part-chunk') this.#changed();
  }

  /** The first event of a log names it. */
  #begin(bytes: Buffer): void {
    const logId = textField(bytes, 'logId');
    this.#reads.overtaken(logId);
    this.#log = logId === null ? UNNAMED : { kind: 'named', logId };
    this.#known = 0;
    this.run.reset();
  }

  #hint(bytes: Buffer): void {
    const type = textField(bytes, 'type');
    if (type === RESET_TYPE) {
      this.#forget(this.#log.kind === 'doubtful' ? DOUBTFUL : UNNAMED);
      for (const follower of [...this.followers]) follower.reset();
    } else if (type === HERE_TYPE) {
      this.#presence.hear(JSON.parse(bytes.toString()) as Record<string, unknown>, performance.now());
    } else if (type !== null) {
      const event = hint(type, this.conversationId, bytes);
      for (const follower of this.followers) follower.hint(event);
    }
  }

  #healed(): void {
    this.#watchdog.healed();
    this.#readSoon();
  }

  /** The channel had a hole, or carries another log: read the store. */
  #readSoon(): void {
    this.#forget(DOUBTFUL);
    const spread = this.run.knowledge === 'running' ? HEAL_SPREAD_MS.running : HEAL_SPREAD_MS.other;
    this.#watchdog.atMost(this.#deps.random() * spread);
  }

  #forget(log: Incarnation): void {
    this.#heard = 0;
    this.#log = log;
    this.#changed();
  }

  #changed(): void {
    for (const changed of [...this.watchers]) changed();
  }

  /** One reader's read brought what the channel has not brought to the others: it does in a moment, or has lost it. */
  #hurryIfBehind(): void {
    for (const { live, cursor } of this.followers)
      if (live && (cursor?.offset ?? 0) < this.#known) return this.#watchdog.atMost(EXPECTED_MS);
  }

  /** What a read says about the conversation as a whole. */
  #learn(view: View, { poll }: { poll: boolean }): void {
    if (view.kind === 'forbidden') return;
    const { logId, offset } = view;
    const moved = logId !== null && this.#log.kind === 'named' && logId !== this.#log.logId;
    const ahead = moved || offset > this.#known;
    if (view.kind === 'none') this.run.set({ running: false, readTo: 0, unwritten: null });
    else if (view.kind === 'snapshot') this.run.set(view);
    else for (const event of view.entries) this.run.note(event);
    for (const event of view.live) this.run.note(event);
    this.#known = moved ? offset : Math.max(this.#known, offset);
    if (logId !== null) this.#log = { kind: 'named', logId };
    if (poll) {
      this.#deps.metrics.polls.inc({ found: String(ahead) });
      this.#watchdog.polled(ahead);
    }
    if (ahead && poll) this.#changed();
    if (moved) for (const follower of this.followers) if (follower.live && follower.cursor?.logId !== logId) follower.reread();
    this.#watchdog.restart();
    this.#hurryIfBehind();
  }
}

/** Only for rare events: the first of a log, and hints. */
const textField = (bytes: Buffer, name: string): string | null => {
  try {
    const value = (JSON.parse(bytes.toString()) as Record<string, unknown> | null)?.[name];
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
};
