import { newId } from '@runnel/protocol';
import type { RedisClient } from './connect.ts';
import { outboxKey, outboxLeaseKey, relayKey, relaysKey, SHARDS } from './keys.ts';
import type { OutboxEntry, OutboxFields } from './outbox.ts';
import type { Caller } from './redis-caller.ts';

export interface OutboxLeases {
  /** The relay's name; a random part is added, so that a restarted pod does not take itself for its predecessor. */
  node: string;
  leaseMs: number;
  now?: () => number;
  random?: () => number;
}

/**
 * How many shards a relay should hold: its even share, rounded up, so that all shards are held whatever the number of pods.
 * The surplus is given back, the rest is taken as it becomes free.
 */
export const fairShare = (relays: number, shards = SHARDS): number => Math.ceil(shards / Math.max(1, relays));

const toFields = (list: readonly string[]): OutboxFields => {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < list.length; i += 2) fields[list[i]!] = list[i + 1]!;
  return fields as unknown as OutboxFields;
};

/**
 * The outbox of all shards, divided among relays by leases. Leases only spread the work: two relays on one shard for a moment
 * publish some events twice and lose none, and readers drop what they have by id.
 */
export class OutboxShards {
  readonly #client: RedisClient;
  readonly #caller: Caller;
  readonly #owner: string;
  readonly #options: Required<Omit<OutboxLeases, 'node'>>;
  readonly #held = new Set<number>();

  constructor(client: RedisClient, caller: Caller, { node, leaseMs, now = Date.now, random = Math.random }: OutboxLeases) {
    this.#client = client;
    this.#caller = caller;
    this.#owner = `${node}-${newId()}`;
    this.#options = { leaseMs, now, random };
  }

  heldShards(): readonly number[] {
    return [...this.#held];
  }

  /** One round: says that this relay lives, renews what it holds, gives back what is too much, takes what is free. */
  async balance(): Promise<void> {
    const { leaseMs, now, random } = this.#options;
    const relays = await this.#caller.call('outbox-relays', async () => {
      await this.#client.zadd(relaysKey, now() + leaseMs, this.#owner);
      await this.#client.zremrangebyscore(relaysKey, '-inf', now());
      return this.#client.zcard(relaysKey);
    });
    const share = fairShare(relays);
    for (const shard of [...this.#held]) {
      if (this.#held.size > share || !(await this.#renew(shard))) await this.#giveBack(shard);
    }
    // Every relay starts at another shard, so that they do not all race for the first ones.
    const start = Math.floor(random() * SHARDS);
    for (let i = 0; i < SHARDS && this.#held.size < share; i++) {
      const shard = (start + i) % SHARDS;
      if (!this.#held.has(shard) && (await this.#take(shard))) this.#held.add(shard);
    }
  }

  /** Oldest entries of a shard, in order. */
  async read(shard: number, count: number): Promise<OutboxEntry[]> {
    const rows = await this.#caller.call('outbox-read', () => this.#client.xrange(outboxKey(shard), '-', '+', 'COUNT', count));
    return rows.map(([entryId, list]) => ({ entryId, fields: toFields(list) }));
  }

  /** Removes entries that are stored elsewhere for good. */
  async trim(shard: number, entryIds: readonly string[]): Promise<void> {
    if (entryIds.length > 0) await this.#caller.call('outbox-trim', () => this.#client.xdel(outboxKey(shard), ...entryIds));
  }

  /** Entries that wait, in all shards. */
  async backlog(): Promise<number> {
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
    const lengths = await this.#caller.call('outbox-backlog', () =>
      Promise.all(shards.map((shard) => this.#client.xlen(outboxKey(shard)))),
    );
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** Gives everything back at once (drain): the other relays need not wait for leases to end. */
  async release(): Promise<void> {
    await Promise.all([...this.#held].map((shard) => this.#giveBack(shard)));
    await this.#caller.call('outbox-relays', () => this.#client.zrem(relaysKey, this.#owner));
  }

  async #take(shard: number): Promise<boolean> {
    const { leaseMs } = this.#options;
    const taken = await this.#caller.call('outbox-lease', () => this.#client.set(outboxLeaseKey(shard), this.#owner, 'PX', leaseMs, 'NX'));
    // From now on begin-run refuses prompts rather than let the outbox lose an event; no expiry, for relays may be down for hours.
    if (taken === 'OK') await this.#caller.call('outbox-relay', () => this.#client.set(relayKey(shard), this.#owner));
    return taken === 'OK';
  }

  #isMine(shard: number): Promise<boolean> {
    return this.#client.get(outboxLeaseKey(shard)).then((owner) => owner === this.#owner);
  }

  async #renew(shard: number): Promise<boolean> {
    const renew = async (): Promise<boolean> =>
      (await this.#isMine(shard)) && (await this.#client.pexpire(outboxLeaseKey(shard), this.#options.leaseMs)) === 1;
    return this.#caller.call('outbox-lease', renew);
  }

  async #giveBack(shard: number): Promise<void> {
    this.#held.delete(shard);
    const free = async (): Promise<void> => {
      if (await this.#isMine(shard)) await this.#client.del(outboxLeaseKey(shard));
    };
    await this.#caller.call('outbox-lease', free);
  }
}
