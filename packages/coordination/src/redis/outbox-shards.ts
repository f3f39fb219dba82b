import { newId } from '@runnel/protocol';
import type { OutboxEntry, OutboxFields } from '@runnel/protocol/audit';
import type { RedisClient } from './client/connect.ts';
import { keyName, ofShard, outboxKey, outboxLeaseKey, shardCount } from './keys.ts';

import type { RedisCaller } from './client/caller.ts';
import { outcomeOf, type Reply } from './replies.ts';
import { registerScripts, type ScriptRunner } from './scripts.ts';

export interface OutboxLeases {
  /** The relay's name; a random part is added, so that a restarted pod does not take itself for its predecessor. */
  node: string;
  leaseMs: number;
  random?: () => number;
}

/**
 * How many shards a relay should hold: its even share, rounded up, so that all shards are held whatever the number of pods.
 * The surplus is given back, the rest is taken as it becomes free.
 */
const fairShare = (relays: number, shards = shardCount()): number => Math.ceil(shards / Math.max(1, relays));

/** What taking shards may last: longer than any answer, shorter than a lease. */
const MOST_MS = 500;

const toFields = (list: readonly string[]): OutboxFields => {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < list.length; i += 2) fields[list[i]!] = list[i + 1]!;
  return fields as unknown as OutboxFields;
};

/** Entries that wait, in all shards. Any service may ask: when no audit pod runs, nobody else could tell that they pile up. */
export const outboxBacklog = async (client: RedisClient): Promise<number> => {
  const lengths = await Promise.all(Array.from({ length: shardCount() }, (_, shard) => client.xlen(outboxKey(shard))));
  return lengths.reduce((sum, length) => sum + length, 0);
};

/**
 * The outbox of all shards, divided among relays by leases. Leases only spread the work: two relays on one shard for a moment
 * publish some events twice and lose none, and readers drop what they have by id.
 */
export class OutboxShards {
  readonly #client: RedisClient;
  readonly #caller: RedisCaller;
  readonly #scripts: ScriptRunner;
  readonly #owner: string;
  readonly #options: Required<Omit<OutboxLeases, 'node'>>;
  readonly #held = new Set<number>();

  constructor(client: RedisClient, caller: RedisCaller, { node, leaseMs, random = Math.random }: OutboxLeases) {
    this.#client = client;
    this.#caller = caller;
    this.#scripts = registerScripts(client);
    this.#owner = `${node}-${newId()}`;
    this.#options = { leaseMs, random };
  }

  heldShards(): readonly number[] {
    return [...this.#held];
  }

  /**
   * One round: says that this relay lives, renews what it holds, gives back what is too much, takes what is free. A node of a cluster
   * that is down stops nothing on the others.
   *
   * @throws the first failure, when everything that could be done is done
   */
  async balance(): Promise<void> {
    const { random } = this.#options;
    const failures: unknown[] = [];
    const failed = (error: unknown): void => void failures.push(error);
    // Where that is not known, whatever nobody holds is taken.
    const relays = await this.#run('note-relay', 0).then(([, count]) => Number(count), failed);
    const share = relays === undefined ? shardCount() : fairShare(relays);
    const held = [...this.#held];
    const [keep, surplus] = [held.slice(0, share), held.slice(share)];
    const renew = async (shard: number): Promise<void> => {
      if (!(await this.#renew(shard))) await this.#giveBack(shard);
    };
    await Promise.all([...keep.map((shard) => renew(shard).catch(failed)), ...surplus.map((shard) => this.#giveBack(shard).catch(failed))]);
    // Every relay starts at another shard, so that they do not all race for the first ones.
    const start = Math.floor(random() * shardCount());
    const others = Array.from({ length: shardCount() }, (_, i) => (start + i) % shardCount()).filter((shard) => !this.#held.has(shard));
    const take = async (shard: number): Promise<void> => {
      if (await this.#take(shard)) this.#held.add(shard);
    };
    // A wait for each shard of a node that is down would outlast the leases: after one the next round begins elsewhere.
    for (const waited = performance.now(); others.length > 0 && this.#held.size < share && performance.now() - waited < MOST_MS;)
      await Promise.all(others.splice(0, share - this.#held.size).map((shard) => take(shard).catch(failed)));
    if (failures.length > 0) throw failures[0];
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
    return this.#caller.call('outbox-backlog', () => outboxBacklog(this.#client));
  }

  /** Gives everything back at once (drain): the other relays need not wait for leases to end. */
  async release(): Promise<void> {
    await Promise.all([...this.#held].map((shard) => this.#giveBack(shard)));
    await this.#caller.call('outbox-relays', () => this.#client.zrem(keyName('relays', ofShard(0)), this.#owner));
  }

  async #take(shard: number): Promise<boolean> {
    const [outcome] = await this.#run('take-shard', shard);
    return outcome === 'taken';
  }

  #run(name: 'note-relay' | 'take-shard', shard: number): Promise<Reply> {
    const args = { owner: this.#owner, leaseMs: this.#options.leaseMs };
    return this.#caller.call(name, () => this.#scripts.run(name, ofShard(shard), args), outcomeOf) as Promise<Reply>;
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
