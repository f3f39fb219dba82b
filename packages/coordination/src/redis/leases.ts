import { answered } from './answered.ts';
import { keyName, ofShard, shardCount, shardOf } from './keys.ts';
import { toLuaJson } from '../messages.ts';
import type { RedisCaller } from './client/caller.ts';
import type { RenewOutcome } from '../run-log/run-log.ts';
import { chooseFree, type FreeRun, type Seek, type Waiting } from './free-runs.ts';
import { refOfKey, runKey, type OwnedRun, type RunRef } from '../run-ref.ts';
import type { ScriptRunner } from './scripts.ts';

/** Runs per script call: at most about 0.5 ms of Redis's time. */
const BATCH = 100;

/** Extends the leases of many runs: one call per shard (and per 100 runs). A run of which nothing was heard is left out. */
export const renewLeases = async (
  scripts: ScriptRunner,
  caller: RedisCaller,
  owner: string,
  leaseMs: number,
  runs: readonly OwnedRun[],
): Promise<Map<string, RenewOutcome>> => {
  const renewed = new Map<string, RenewOutcome>();
  const byShard = Map.groupBy(runs, (run) => shardOf(run.conversationId));
  const renewBatch = async (shard: number, batch: readonly OwnedRun[]): Promise<void> => {
    const keys = [keyName('leases', { shard, conversationId: '', runId: '' })];
    const args: (string | number)[] = [owner, leaseMs];
    for (const { conversationId, runId, epoch } of batch) {
      const parts = { shard, conversationId, runId };
      keys.push(keyName('meta', parts), keyName('owner', parts), keyName('run', parts), keyName('cancel', parts));
      args.push(conversationId, runId, epoch);
    }
    const outcomes = (await caller.call('renew-leases', () => scripts.runMany('renew-leases', keys, args))) as RenewOutcome[];
    for (const [index, run] of batch.entries()) renewed.set(runKey(run), outcomes[index]!);
  };
  const batches: Promise<void>[] = [];
  for (const [shard, own] of byShard) {
    for (let i = 0; i < own.length; i += BATCH) batches.push(renewBatch(shard, own.slice(i, i + BATCH)));
  }
  await answered(batches);
  return renewed;
};

/** Cuts the leases of an owner in every shard. */
export const doubtOwner = async (scripts: ScriptRunner, caller: RedisCaller, owner: string, keepMs: number): Promise<RunRef[]> => {
  const cut = (_: unknown, shard: number) =>
    caller.call('doubt-owner', () => scripts.run('doubt-owner', ofShard(shard), { owner, keepMs })) as Promise<string[]>;
  return (await answered(Array.from({ length: shardCount() }, cut))).flat().map(refOfKey);
};

/** Looks through all shards, from a random one on, so that pods that sweep at once do not all want the same runs. */
export const findFreeRuns = async (
  scripts: ScriptRunner,
  caller: RedisCaller,
  limit: number,
  { models, full = [], turn = 0, orphanMs = 0, announce = false, onFailure }: Seek = {},
  random: () => number = Math.random,
): Promise<FreeRun[]> => {
  const first = Math.floor(random() * shardCount());
  const shards = Array.from({ length: shardCount() }, (_, index) => (first + index) % shardCount());
  const args = {
    limit,
    models: models ? toLuaJson({ ...models, ...Object.fromEntries(full.map((id) => [id, 'full'])) }) : '',
    turn,
    orphanMs,
    announce: announce ? ('1' as const) : ('' as const),
  };
  const look = (shard: number) => caller.call('find-free-runs', () => scripts.run('find-free-runs', ofShard(shard), args));
  const found = await answered(shards.map(look), onFailure);
  const chosen = chooseFree((found as [string, number, string, string][][]).flat().map(toWaiting), limit);
  return models ? chosen : chosen.map(({ conversationId, runId }) => ({ conversationId, runId }));
};

const toWaiting = ([member, half, orphan, userId]: [string, number, string, string]): Waiting => {
  return { ...refOfKey(member), userId, ...(half === 1 && { half: true as const }), ...(orphan !== '' && { orphan }) };
};
