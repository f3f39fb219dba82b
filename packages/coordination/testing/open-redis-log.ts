import type { Opened } from '../test/contract/world.ts';
import { keyName, ofShard, shardCount, shardOf } from '../src/redis/keys.ts';
import { createRedisRunLog } from '../src/redis/run-log.ts';
import type { RunRef } from '../src/run-ref.ts';
import type { TestRedis } from './redis-process.ts';
import { PATIENT_MS } from './patient.ts';
import { waitFor } from './wait.ts';

type Store = { url: string; stop(): Promise<void> };

/** The Redis run log with a store of its own, for the contract. */
export const openRedisLog = async <S extends Store>(
  start: () => Promise<S>,
  nodesOf: (store: S) => readonly TestRedis[],
): Promise<Opened> => {
  const redis = await start();
  const log = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS });
  const other = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS });
  const close = async (): Promise<void> => {
    await Promise.all([log.close(), other.close()]);
    await redis.stop();
  };
  /** The last node gets the limit, those before it more room: it is the fullest, and the first one is not. */
  const limitMemory = async (bytes: number): Promise<void> => {
    for (const [index, node] of nodesOf(redis).toReversed().entries()) await node.cli('CONFIG', 'SET', 'maxmemory', bytes * 10 ** index);
  };
  const keys = Array.from({ length: shardCount() }, (_, shard) => keyName('store', ofShard(shard)));
  const askNode = async (...words: string[]): Promise<unknown> => {
    const answers = await Promise.allSettled(nodesOf(redis).map((node) => node.cli(...words)));
    return answers.find((answer) => answer.status === 'fulfilled')?.value;
  };
  const jump = async (ms: number, runs: readonly RunRef[]): Promise<void> => {
    for (const { conversationId, runId } of runs) {
      const parts = { shard: shardOf(conversationId), conversationId, runId };
      await askNode('HINCRBY', keyName('owner', parts), 'expires', `${-ms}`);
      await askNode('ZINCRBY', keyName('leases', parts), `${-ms}`, `${conversationId}:${runId}`);
      const [claims, at] = String((await askNode('HGET', keyName('run', parts), 'copied')) ?? '').split(':');
      if (at !== undefined) await askNode('HSET', keyName('run', parts), 'copied', `${claims}:${Number(at) - ms}`);
    }
  };
  /** The records of the shards say that another server wrote them, and the clients connect again. */
  const changeStore = async (): Promise<void> => {
    const nodes = nodesOf(redis);
    const ask = async (...words: string[]): Promise<unknown> => {
      // The node that has the key; the others refuse.
      const answers = await Promise.allSettled(nodes.map((node) => node.cli(...words)));
      const answered = answers.find((answer) => answer.status === 'fulfilled');
      if (answered === undefined) throw new Error('No node has the key');
      return answered.value;
    };
    const known = async (key: string): Promise<boolean> => !['another', null].includes((await ask('HGET', key, 'node')) as string | null);
    const all = (): Promise<boolean> => Promise.all(keys.map(known)).then((each) => each.every(Boolean));
    await waitFor(all, { everyMs: 50, deadlineMs: 15_000, what: 'every shard knows its server' });
    await Promise.all(keys.map((key) => ask('HSET', key, 'node', 'another')));
    for (const node of nodes) await node.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await waitFor(all, { everyMs: 50, deadlineMs: 15_000, what: 'every shard knows its new server' });
    await waitFor(
      () =>
        log
          .ping()
          .then(() => other.ping())
          .then(
            () => true,
            () => false,
          ),
      { everyMs: 50, what: 'both clients are back' },
    );
  };
  return { log, other, jump, limitMemory, changeStore, close };
};
