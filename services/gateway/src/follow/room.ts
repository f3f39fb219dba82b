import { fullJitter, withDeadline } from '@runnel/kit';
import { readChunkOffset, readPrefix } from '@runnel/protocol';
import {
  HERE_TYPE,
  RESET_TYPE,
  type ChannelListener,
  type Subscription,
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
const SUBSCRIBE_PATIENCE_MS = 150;
const SUBSCRIBE_RETRY = { baseMs: 250, maxMs: 5000 };
/** After an interruption every room reads; not all in one instant. */
const HEAL_SPREAD_MS = { running: 50, other: 500 };

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
  #subscription: Subscription | undefined;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
  /** Reads were made before the channel stood. */
  #readWithout = false;
  #closed = false;
  /** The place in line that was last sent to readers of this room. */
  #place: { runId: string; place: number; event: Outgoing } | null = null;
  /** Incarnation that the channel carries, as far as it is known. */
  #logId: string | null = null;
  /** The channel may carry another incarnation than the one that was read. */
  #unsure = false;
  /** Last offset the channel brought since it was last whole. */
  #heard = 0;
  /** Last offset known from channel and reads. */
  #known = 0;

  constructor(conversationId: string, deps: RoomDeps) {
    this.conversationId = conversationId;
    this.#deps = deps;
    this.#presence = new RoomPresence(conversationId);
    const { runLog, background, metrics, random } = deps;
    this.#watchdog = new ChannelWatchdog({ run: this.run, subscribed: () => this.#subscription !== undefined, random });
    const learn = (view: View, poll: boolean) => this.#learn(view, poll);
    this.#reads = new SharedReads(conversationId, { runLog, background, metrics, subscribed: this.#subscribed(), learn });
  }

  add(follower: Follower): void {
    this.followers.add(follower);
    this.read(follower);
  }

  leave(follower: Follower): void {
    this.followers.delete(follower);
    this.#reads.leave(follower);
    if (this.followers.size === 0) this.#deps.onEmpty(this);
  }

  read(follower: Follower): void {
    this.#reads.join(follower, false);
  }

  /** Polls the log for followers that are up to date: one read for all at the same position. */
  recheck(): void {
    for (const follower of this.followers) if (follower.live) this.#reads.join(follower, true);
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
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#changed();
    this.watchers.clear();
    await this.#subscription?.close();
  }

  /** Resolves when the channel stands, or after a while without it: reading must not wait for a channel that cannot be had. */
  async #subscribed(): Promise<void> {
    const first = this.#subscribe();
    await withDeadline(first, SUBSCRIBE_PATIENCE_MS, () => void (this.#readWithout = true));
  }

  async #subscribe(): Promise<void> {
    try {
      const subscription = await this.#deps.runLog.follow(this.conversationId, this.#listener);
      if (this.#closed) return await subscription.close();
      this.#subscription = subscription;
      // A reader that read before the channel stood may have missed an event in between.
      if (this.#readWithout) this.recheck();
    } catch {
      if (this.#closed) return;
      this.#readWithout = true;
      // Without a channel, polls read the log. Readers get an error only when reads fail too.
      const wait = SUBSCRIBE_RETRY.baseMs / 2 + fullJitter({ attempt: this.#attempt++, ...SUBSCRIBE_RETRY, random: this.#deps.random });
      this.#retry = setTimeout(() => void this.#subscribe(), wait);
      this.#retry.unref();
    }
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
    const event = logged(type, this.conversationId, offset, this.#logId, bytes);
    this.#reads.hold(event);
    // An offset of another log can equal the next one of ours. Example: we are at 12, the log began again and is at 13. A read decides.
    if (this.#unsure) return this.#watchdog.atMost(this.#deps.random() * HEAL_SPREAD_MS.running);
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
    this.#logId = textField(bytes, 'logId');
    this.#reads.overtaken(this.#logId);
    this.#unsure = false;
    this.#known = 0;
    this.run.reset();
  }

  #hint(bytes: Buffer): void {
    const type = textField(bytes, 'type');
    if (type === RESET_TYPE) {
      this.#forget();
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
    this.#forget();
    this.#unsure = true;
    const spread = this.run.knowledge === 'running' ? HEAL_SPREAD_MS.running : HEAL_SPREAD_MS.other;
    this.#watchdog.atMost(this.#deps.random() * spread);
  }

  #forget(): void {
    this.#heard = 0;
    this.#logId = null;
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
  #learn(view: View, poll: boolean): void {
    if (view.kind === 'forbidden') return;
    const { logId, offset } = view;
    const moved = logId !== null && this.#logId !== null && logId !== this.#logId;
    const ahead = moved || offset > this.#known;
    if (view.kind === 'none') this.run.set(false, 0, null);
    else if (view.kind === 'snapshot') this.run.set(view.running, view.readTo, view.unwritten);
    else for (const event of view.entries) this.run.note(event);
    for (const event of view.live) this.run.note(event);
    this.#known = moved ? offset : Math.max(this.#known, offset);
    this.#logId = logId ?? this.#logId;
    if (logId !== null) this.#unsure = false;
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
