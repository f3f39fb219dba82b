import { answered } from './redis/answered.ts';
import type { RedisClient } from './redis/client/connect.ts';
import { keyName, ofShard, shardCount, shardOf } from './redis/keys.ts';
import type { RedisCaller } from './redis/client/caller.ts';
import { runKey, type RunRef } from './run-ref.ts';
import type { ScriptRunner } from './redis/scripts.ts';

/** Times that each shard is asked about, however many runs wait: the places between them are estimated. */
export const MOST_TIMES = 32;

/** So many of them, evenly spread, the first and the last included, in order and without repetitions. Pure. */
export const sampleOf = (times: readonly number[], most = MOST_TIMES): number[] => {
  const sorted = [...new Set(times)].toSorted((a, b) => a - b);
  if (sorted.length <= most) return sorted;
  return Array.from({ length: most }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (most - 1))]!);
};

/** The place, from 1, of who began to wait at `time`, when `counts` waited since before each of the sampled times. Pure. */
export const placeAt = (time: number, sample: readonly number[], counts: readonly number[]): number => {
  const after = sample.findIndex((sampled) => sampled >= time);
  if (after <= 0 || sample[after] === time) return 1 + (counts[Math.max(0, after)] ?? 0);
  const [from, to] = [sample[after - 1]!, sample[after]!];
  const share = (time - from) / (to - from);
  return 1 + Math.round(counts[after - 1]! + share * (counts[after]! - counts[after - 1]!));
};

/** Two rounds whatever the number of runs: since when each waits, and how many of each shard have waited for longer. */
export const placesInLine = async (
  client: RedisClient,
  scripts: ScriptRunner,
  caller: RedisCaller,
  runs: readonly RunRef[],
): Promise<Map<string, number>> => {
  const since = new Map<string, number>();
  const byShard = Map.groupBy(runs, ({ conversationId }) => shardOf(conversationId));
  const look = async ([shard, own]: [number, RunRef[]]): Promise<void> => {
    const members = own.map(({ conversationId, runId }) => `${conversationId}:${runId}`);
    const scores = await caller.call('waiting-since', () => client.zmscore(keyName('queued', ofShard(shard)), ...members));
    for (const [i, score] of scores.entries()) if (score !== null) since.set(runKey(own[i]!), Number(score));
  };
  await answered([...byShard].map(look));
  if (since.size === 0) return since;
  const sample = sampleOf([...since.values()]);
  const args = { times: JSON.stringify(sample) };
  const count = (shard: number) =>
    caller.call('count-waiting', () => scripts.run('count-waiting', ofShard(shard), args)) as Promise<number[]>;
  const shards = await answered(Array.from({ length: shardCount() }, (_, shard) => count(shard)));
  const counts = sample.map((_, i) => shards.reduce((sum, ofOne) => sum + ofOne[i]!, 0));
  return new Map([...since].map(([key, time]) => [key, placeAt(time, sample, counts)]));
};
