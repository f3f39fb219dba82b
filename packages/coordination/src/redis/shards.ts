import type { RedisClient } from './client/connect.ts';
import { DEFAULT_SHARDS, keyName, MOST_SHARDS, ofShard, shardCount, useShards } from './keys.ts';

/** What a store says of its shards. */
export interface ShardsFound {
  /** As it was first said; null: never, or the key is gone. */
  kept: number | null;
  /** By the conversations that are there; null: there are none. */
  seen: number | null;
}
export type ShardsDecision = { kind: 'use'; shards: number } | { kind: 'mismatch'; shards: number };

/**
 * What holds: what was said first, then what stands there, then what is wanted. Data of 0.1.0, which kept no number, has 64. Pure.
 * `wanted`: undefined: whatever it is.
 */
export const decideShards = ({ kept, seen }: ShardsFound, wanted: number | undefined): ShardsDecision => {
  const stands = kept ?? seen;
  if (stands === null) return { kind: 'use', shards: wanted ?? DEFAULT_SHARDS };
  return wanted === undefined || wanted === stands ? { kind: 'use', shards: stands } : { kind: 'mismatch', shards: stands };
};

const asNumber = (text: string | null): number | null => (text !== null && /^\d{1,4}$/.test(text) ? Number(text) : null);

/** Every process notes a server at every shard when it connects; 0.1.0 did not, and had an outbox at 64. */
const seenIn = async (client: RedisClient): Promise<number | null> => {
  const all = Array.from({ length: MOST_SHARDS }, (_, shard) => shard);
  const noted = await Promise.all(all.map((shard) => client.exists(keyName('store', ofShard(shard)))));
  const last = noted.lastIndexOf(1);
  if (last >= 0) return last + 1;
  const old = await Promise.all(all.slice(0, DEFAULT_SHARDS).map((shard) => client.exists(keyName('events', ofShard(shard)))));
  return old.includes(1) ? DEFAULT_SHARDS : null;
};

/** Says the number where nobody did; of two who come together the first one's holds. */
const settle = async (client: RedisClient, wanted: number | undefined): Promise<ShardsDecision> => {
  const key = keyName('shards', ofShard(0));
  const kept = asNumber(await client.get(key));
  const decided = decideShards({ kept, seen: kept === null ? await seenIn(client) : null }, wanted);
  if (kept !== null || decided.kind === 'mismatch') return decided;
  await client.set(key, String(decided.shards), 'NX');
  return decideShards({ kept: asNumber(await client.get(key)), seen: null }, wanted);
};

export interface OpenShards {
  client: RedisClient;
  /** As it is configured; undefined: whatever the store has. */
  wanted: number | undefined;
  /** How long a start waits for a store that is away. Then it goes on with `wanted`, and asks until it is answered. */
  waitMs: number;
  /** Nothing but a new process helps: what this one wrote would not be found. One line for whoever runs it. */
  refuse(line: string): void;
  everyMs?: number;
}

const mismatch = (stands: number, wanted: number): string =>
  `REDIS_SHARDS is ${wanted}, but the conversations in this Redis are spread over ${stands}: set ${stands} (it cannot be changed), or take an empty Redis`;

/**
 * Learns from the store how many shards there are, or tells it, and uses that number. To be called before a run log is made.
 *
 * @throws Error when another number is wanted than what stands there
 */
export const openShards = async ({ client, wanted, waitMs, refuse, everyMs = 250 }: OpenShards): Promise<{ close(): void }> => {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const asked = settle(client, wanted).catch(() => null);
  const first = await Promise.race([asked, new Promise<null>((resolve) => setTimeout(resolve, waitMs, null).unref())]);
  if (first?.kind === 'mismatch') throw new Error(mismatch(first.shards, wanted!));
  useShards(first?.shards ?? wanted ?? DEFAULT_SHARDS);
  const again = async (): Promise<void> => {
    const answer = await settle(client, wanted).catch(() => null);
    if (closed) return;
    if (answer === null) timer = setTimeout(() => void again(), everyMs * (1 - Math.random() / 3)).unref();
    else if (answer.kind === 'mismatch') refuse(mismatch(answer.shards, wanted!));
    else if (answer.shards !== shardCount())
      refuse(`this Redis has ${answer.shards} shards, which was not known at the start: starting again`);
  };
  if (first === null) void again();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
};
