import { describe, expect, test } from 'vitest';
import { addDocumentedUser, documentedCommands, refusedTo, startRedis, startRedisCluster, type TestRedis } from '../testing/index.ts';
import { openRedisLog } from '../testing/open-redis-log.ts';
import { runLogContract } from './run-log.contract.ts';

/** Called by what is around the log: `redis-user-of-the-documents` of the scenarios runs that. */
const ELSEWHERE = ['pttl', 'xdel', 'xlen', 'xrevrange', 'incrby', 'script|load', 'client|setname', 'cluster|shards', 'time'];

const refused: string[] = [];
const called = new Set<string>();

/** A store of which one is the documented user; at its end it is looked at. */
const asUser = async <S extends { url: string; stop(): Promise<void> }>(store: S, nodes: readonly TestRedis[]): Promise<S> => {
  const url = await addDocumentedUser(nodes, store.url);
  const stop = async (): Promise<void> => {
    refused.push(...(await refusedTo(nodes)));
    for (const node of nodes) {
      const stats = String(await node.cli('INFO', 'commandstats'));
      for (const [, name] of stats.matchAll(/^cmdstat_([\w|-]+):calls=[1-9]/gm)) called.add(name!);
    }
    await store.stop();
  };
  return { ...store, url, stop };
};

describe('R-1 the Redis user of docs/operations.md is enough, and no more', () => {
  runLogContract('one server', () =>
    openRedisLog(
      async () => {
        const redis = await startRedis();
        return asUser(redis, [redis]);
      },
      (redis) => [redis],
    ),
  );
  runLogContract(
    'a cluster of three',
    () =>
      openRedisLog(
        async () => {
          const cluster = await startRedisCluster(3);
          return asUser(cluster, cluster.nodes);
        },
        ({ nodes }) => nodes,
      ),
    { changedStore: false },
  );

  test('nothing was refused, and no right was idle', async () => {
    expect([...new Set(refused)]).toEqual([]);
    const idle = (await documentedCommands()).filter((name) => !called.has(name));
    expect(idle.filter((name) => !ELSEWHERE.includes(name))).toEqual([]);
  });
});
