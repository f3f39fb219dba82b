import { RunnelError } from '@runnel/protocol';
import type { Redis } from 'ioredis';
import { DEADLINE_MS } from './connect.ts';
import type { ChannelListener } from '../../channels.ts';
import { shardOfChannel } from '../keys.ts';
import { tapMessages } from './push-reader.ts';

/** With the connection's own socket timeout of a second, silence is noticed within two. */
const PING_EVERY_MS = 1_000;
/** Channels of one slot subscribed by one command after a reconnect. */
const BATCH = 500;

interface Entry {
  listeners: Set<ChannelListener>;
  /** Redis has acknowledged the subscription on this connection. */
  live: boolean;
  /** It was live before: what came since must be read from the log. */
  interrupted: boolean;
  waiting: (() => void)[];
}

export interface SubscriberEvents {
  /** The node does not serve one of our channels any more (cluster). */
  moved(): void;
  error(error: Error): void;
}

/** One subscriber connection to one Redis node: subscribes, notices silence, and subscribes again after every reconnect. */
export class RedisSubscriber {
  readonly #redis: Redis;
  readonly #events: SubscriberEvents;
  readonly #deadlineMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #ping: NodeJS.Timeout;

  constructor(redis: Redis, events: SubscriberEvents, deadlineMs: number = DEADLINE_MS) {
    this.#redis = redis;
    this.#events = events;
    this.#deadlineMs = deadlineMs;
    redis.on('ready', () => this.#subscribeAll());
    redis.on('close', () => this.#interrupt());
    redis.on('error', (error) => events.error(error));
    redis.on('moved', () => events.moved());
    tapMessages(redis, (channel, bytes) => this.#deliver(channel, bytes));
    this.#ping = setInterval(() => {
      // An unanswered ping is enough: the socket timeout cuts the connection, and `close` does the rest.
      if (redis.status === 'ready') redis.ping().catch(() => {});
    }, PING_EVERY_MS);
    this.#ping.unref();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Resolves once Redis has acknowledged the subscription. @throws RunnelError `unavailable` after a second */
  async add(channel: string, listener: ChannelListener): Promise<void> {
    const entry = this.#enter(channel, [listener]);
    if (entry.live) return;
    await new Promise<void>((resolve, reject) => {
      const acknowledged = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        entry.waiting = entry.waiting.filter((waiting) => waiting !== acknowledged);
        this.remove(channel, listener);
        reject(new RunnelError('unavailable', 'The subscription was not acknowledged in time.'));
      }, this.#deadlineMs);
      entry.waiting.push(acknowledged);
    });
  }

  remove(channel: string, listener: ChannelListener): void {
    const entry = this.#entries.get(channel);
    if (!entry?.listeners.delete(listener) || entry.listeners.size > 0) return;
    this.#entries.delete(channel);
    if (this.#redis.status === 'ready') this.#redis.sunsubscribe(channel).catch(() => {});
  }

  /** Hands the listeners of a channel that is served elsewhere now to another connection. */
  moveTo(channel: string, other: RedisSubscriber): void {
    const entry = this.#entries.get(channel);
    if (!entry) return;
    this.#entries.delete(channel);
    if (this.#redis.status === 'ready') this.#redis.sunsubscribe(channel).catch(() => {});
    const moved = other.#enter(channel, entry.listeners);
    moved.waiting.push(...entry.waiting);
    moved.interrupted = true;
  }

  /** Subscribes everything once more; listeners read again what may have been missed. */
  renew(): void {
    if (this.#redis.status !== 'ready') return;
    this.#interrupt();
    this.#subscribeAll();
  }

  close(): void {
    clearInterval(this.#ping);
    this.#entries.clear();
    this.#redis.disconnect();
  }

  #enter(channel: string, listeners: Iterable<ChannelListener>): Entry {
    let entry = this.#entries.get(channel);
    if (!entry) {
      this.#entries.set(channel, (entry = { listeners: new Set(), live: false, interrupted: false, waiting: [] }));
      if (this.#redis.status === 'ready') void this.#subscribe([channel]);
    }
    for (const listener of listeners) entry.listeners.add(listener);
    return entry;
  }

  #subscribeAll(): void {
    // Only channels of one slot may stand in one command on a cluster; a shard is within one slot.
    const byShard = Map.groupBy(this.#entries.keys(), shardOfChannel);
    for (const channels of byShard.values()) {
      for (let i = 0; i < channels.length; i += BATCH) void this.#subscribe(channels.slice(i, i + BATCH));
    }
  }

  async #subscribe(channels: string[]): Promise<void> {
    try {
      await this.#redis.ssubscribe(...channels);
    } catch (error) {
      // A moved slot emits `moved`; after a lost connection everything is subscribed again.
      if (this.#redis.status === 'ready') this.#events.error(error as Error);
      return;
    }
    for (const channel of channels) {
      const entry = this.#entries.get(channel);
      if (!entry || entry.live) continue;
      entry.live = true;
      for (const acknowledged of entry.waiting.splice(0)) acknowledged();
      if (entry.interrupted) for (const listener of entry.listeners) this.#guard(() => listener.resubscribed());
      entry.interrupted = false;
    }
  }

  #interrupt(): void {
    for (const entry of this.#entries.values()) {
      if (!entry.live) continue;
      entry.interrupted = true;
      entry.live = false;
      for (const listener of entry.listeners) this.#guard(() => listener.interrupted?.());
    }
  }

  #deliver(channel: string, bytes: Buffer): void {
    const entry = this.#entries.get(channel);
    // Drop messages after a gap until the listeners were notified to read the log: that read includes this message.
    if (entry === undefined || entry.interrupted) return;
    for (const listener of entry.listeners) this.#guard(() => listener.message(bytes));
  }

  /** A listener that throws must not keep the message from the others. */
  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#events.error(error as Error);
    }
  }
}
