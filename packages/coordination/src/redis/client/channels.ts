import { Cluster } from 'ioredis';
import { connectNode, DEADLINE_MS, parseRedisUrl, type RedisClient } from './connect.ts';
import { shardCount, shardOfChannel, slotOfShard } from '../keys.ts';
import { RedisSubscriber } from './subscriber.ts';
import type { ChannelListener, Subscription } from '../../channels.ts';

/** The one node there is, when it is no cluster; else the first of the URL. */
const ONLY = '';
const REROUTE_EVERY_MS = 1_000;
/** Many channels of one slot report the same move; waiting avoids a loop of refreshes while the cluster decides. */
const REFRESH_AFTER_MS = 100;

/**
 * The subscriptions of this process: one connection, or one to each cluster node that serves a channel. A sharded channel is served
 * by the master of its slot only, so channels follow their slots when the cluster moves them.
 */
export class RedisChannels {
  readonly #client: RedisClient;
  readonly #url: string;
  readonly #onError: (error: Error) => void;
  readonly #deadlineMs: number;
  readonly #subscribers = new Map<string, RedisSubscriber>();
  /** Where each followed channel is subscribed now, and for how many listeners. */
  readonly #homes = new Map<string, { subscriber: RedisSubscriber; listeners: number }>();
  readonly #slots = Array.from({ length: shardCount() }, (_, shard) => slotOfShard(shard));
  #timer: NodeJS.Timeout | undefined;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(client: RedisClient, url: string, onError: (error: Error) => void, deadlineMs: number = DEADLINE_MS) {
    this.#client = client;
    this.#url = url;
    this.#onError = onError;
    this.#deadlineMs = deadlineMs;
    if (client instanceof Cluster) {
      client.on('refresh', () => this.#reroute());
      this.#timer = setInterval(() => this.#reroute(), REROUTE_EVERY_MS);
      this.#timer.unref();
    } else this.#subscriberOf(ONLY);
  }

  /** Resolves once the subscription is acknowledged. @throws RunnelError `unavailable` */
  async subscribe(channel: string, listener: ChannelListener): Promise<Subscription> {
    let home = this.#homes.get(channel);
    if (!home) this.#homes.set(channel, (home = { subscriber: this.#subscriberOf(this.#nodeOf(channel)), listeners: 0 }));
    home.listeners++;
    const leave = (): void => {
      home.subscriber.remove(channel, listener);
      if (--home.listeners === 0) this.#homes.delete(channel);
    };
    try {
      await home.subscriber.add(channel, listener);
    } catch (error) {
      leave();
      throw error;
    }
    let open = true;
    return {
      close: async () => {
        if (open) leave();
        open = false;
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#refreshing);
    for (const subscriber of this.#subscribers.values()) subscriber.close();
    this.#subscribers.clear();
    this.#homes.clear();
  }

  #nodeOf(channel: string): string {
    if (!(this.#client instanceof Cluster)) return ONLY;
    const slot = this.#slots[shardOfChannel(channel)]!;
    // A slot without a node (a cluster that is down in part): any will do, the channel moves when the slot is served again.
    return this.#client.slots[slot]?.[0] ?? ONLY;
  }

  #subscriberOf(node: string): RedisSubscriber {
    let subscriber = this.#subscribers.get(node);
    if (!subscriber) {
      const colon = node.lastIndexOf(':');
      const address = node === ONLY ? undefined : { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) };
      const events = { moved: () => this.#refresh(), error: this.#onError };
      subscriber = new RedisSubscriber(connectNode(parseRedisUrl(this.#url), address, this.#deadlineMs), events, this.#deadlineMs);
      this.#subscribers.set(node, subscriber);
    }
    return subscriber;
  }

  /** A node gave a slot away. Redis does not name the channels, so all are subscribed again at their present node. */
  #refresh(): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      if (!(this.#client instanceof Cluster)) return;
      this.#client.refreshSlotsCache(() => {
        this.#reroute();
        for (const subscriber of this.#subscribers.values()) subscriber.renew();
      });
    }, REFRESH_AFTER_MS);
  }

  #reroute(): void {
    for (const [channel, home] of this.#homes) {
      const subscriber = this.#subscriberOf(this.#nodeOf(channel));
      if (subscriber === home.subscriber) continue;
      home.subscriber.moveTo(channel, subscriber);
      home.subscriber = subscriber;
    }
    for (const [node, subscriber] of this.#subscribers) {
      if (subscriber.size > 0 || !(this.#client instanceof Cluster)) continue;
      subscriber.close();
      this.#subscribers.delete(node);
    }
  }
}
