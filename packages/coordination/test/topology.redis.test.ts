import { newId } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../src/redis/client/connect.ts';
import { append, collect, eventsOf, LEASE_MS, OWNER, promptOf, snapshotOf, startRun } from './contract/world.ts';
import { outboxLeaseKey, DEFAULT_SHARDS, shardOf, slotOfShard } from '../src/redis/keys.ts';
import { OutboxShards } from '../src/redis/outbox-shards.ts';
import { createRedisCaller } from '../src/redis/client/caller.ts';
import { runKey } from '../src/run-ref.ts';
import { createRedisRunLog } from '../src/redis/run-log.ts';
import { startRedisCluster, startRedisSentinel, waitFor } from '../testing/index.ts';

test('W-7 a channel follows its slot to another node of the cluster, and readers are told to read again', async () => {
  const cluster = await startRedisCluster(3);
  onTestFinished(() => cluster.stop());
  const log = createRedisRunLog({ url: cluster.url });
  onTestFinished(() => log.close());
  const conversationId = newId();
  const followed = await collect(log, conversationId);
  const hint = (n: number): string => JSON.stringify({ type: 'typing', n });
  await log.publishHint(conversationId, hint(1));
  await waitFor(() => followed.hints.length === 1);

  const slot = slotOfShard(shardOf(conversationId));
  const ids = await Promise.all(cluster.nodes.map(async (node) => String(await node.cli('CLUSTER', 'MYID'))));
  const owner = Math.floor(slot / Math.ceil(16_384 / 3));
  // A slot that holds keys is moved key by key; this one holds who serves it, which its next server notes anew.
  const held = (await cluster.nodes[owner]!.cli('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[];
  if (held.length > 0) await cluster.nodes[owner]!.cli('DEL', ...held);
  const next = (owner + 1) % 3;
  // As redis-cli moves a slot: only a node that imports it takes a newer epoch with it. Otherwise the gossip of an owner with epoch 3 takes the
  // slot back from a node with epoch 1 before the owner is told, and afterwards each of the two names the other.
  await cluster.nodes[next]!.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[owner]!);
  await cluster.nodes[owner]!.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[next]!);
  for (const index of [next, owner, 3 - owner - next]) await cluster.nodes[index]!.cli('CLUSTER', 'SETSLOT', slot, 'NODE', ids[next]!);

  await waitFor(() => followed.resubscriptions() > 0, { deadlineMs: 10_000, what: 'resubscribed at the new node' });
  // Each node tells of the move, so the channels are asked for twice now and then. A hint of meanwhile is lost, as hints may be.
  const arrives = async (): Promise<boolean> => {
    await log.publishHint(conversationId, hint(2));
    return followed.hints.includes(hint(2));
  };
  await waitFor(arrives, { what: 'a hint at the new node' });
  const before = followed.resubscriptions();
  const run = await startRun(log, { conversationId });
  expect(await append(log, run, 0, 'moved')).toMatchObject({ outcome: 'appended' });
  // What is appended meanwhile is not brought, but told of.
  await waitFor(() => followed.entries.at(-1)?.offset === 4 || followed.resubscriptions() > before);
  expect((await eventsOf(log, conversationId)).at(-1)).toMatchObject({ type: 'chunk', offset: 4 });
});

test('P-10 a cluster with a dead node says so within a second for its part, and serves the rest', async () => {
  const cluster = await startRedisCluster(3);
  onTestFinished(() => cluster.stop());
  // Otherwise two of three refuse everything with the third.
  for (const node of cluster.nodes) await node.cli('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
  const log = createRedisRunLog({ url: cluster.url });
  onTestFinished(() => log.close());
  await log.ping();
  const leases = { node: 'relay', leaseMs: 3_000 };
  const client = connectRedis(cluster.url, () => {});
  onTestFinished(() => client.disconnect());
  const outbox = new OutboxShards(client, createRedisCaller(client), leases);
  const nodeOf = (conversationId: string): number => Math.floor(slotOfShard(shardOf(conversationId)) / Math.ceil(16_384 / 3));
  const on = (node: number): string => {
    for (;;) {
      const conversationId = newId();
      if (nodeOf(conversationId) === node) return conversationId;
    }
  };
  const [dead, alive, other] = [0, 1, 2].map((node) => promptOf({ conversationId: on(node) }));
  for (const prompt of [dead, alive, other]) await log.beginRun(prompt!);
  const owned = await Promise.all([0, 1].map((node) => startRun(log, { conversationId: on(node) })));
  await outbox.balance();
  expect(outbox.heldShards()).toHaveLength(DEFAULT_SHARDS);
  await cluster.nodes[0]!.kill();
  // One node's trouble hides nothing of the others' from a sweep, a renewal, a relay.
  const failures: unknown[] = [];
  const found = await log.findFreeRuns(100, { onFailure: (error) => failures.push(error) });
  expect(found.map(({ runId }) => runId).toSorted()).toEqual([alive!.runId, other!.runId].toSorted());
  expect(failures.length).toBeGreaterThan(0);
  expect([...(await log.renewLeases(OWNER, LEASE_MS, owned)).keys()]).toEqual([runKey(owned[1]!)]);
  await expect(log.renewLeases(OWNER, LEASE_MS, [owned[0]!])).rejects.toMatchObject({ code: 'unavailable' });
  const before = performance.now();
  await expect(outbox.balance()).rejects.toMatchObject({ code: 'unavailable' });
  expect(performance.now() - before).toBeLessThan(leases.leaseMs);
  const mine = await cluster.nodes[1]!.cli('PTTL', outboxLeaseKey(shardOf(alive!.conversationId)));
  expect(Number(mine)).toBeGreaterThan(leases.leaseMs - 1_500);
  const started = performance.now();
  await expect(log.readState({ conversationId: on(0) })).rejects.toMatchObject({ code: 'unavailable' });
  expect(performance.now() - started).toBeLessThan(1_500);
  expect(await log.readState({ conversationId: on(1) })).toEqual({ kind: 'none' });
});

test('P-10 behind Sentinel, a promoted replica carries on what its owner can still append', async () => {
  const redis = await startRedisSentinel();
  onTestFinished(() => redis.stop());
  const log = createRedisRunLog({ url: redis.url });
  onTestFinished(() => log.close());
  const run = await startRun(log);
  await append(log, run, 0, 'abc');
  const followed = await collect(log, run.conversationId);
  // Sentinel cuts every connection to the replica that it promotes.
  const info = async (): Promise<string> => String(await redis.replica.cli('INFO', 'replication').catch(() => ''));
  const offset = /master_repl_offset:(\d+)/.exec(String(await redis.master.cli('INFO', 'replication')))![1]!;
  await waitFor(async () => Number(/slave_repl_offset:(\d+)/.exec(await info())?.[1]) >= Number(offset), { what: 'replicated' });
  await redis.master.kill();
  await waitFor(async () => (await info()).includes('role:master'), { deadlineMs: 20_000, everyMs: 100, what: 'promoted' });
  const resumed = async (): Promise<boolean> => {
    const { outcome } = await append(log, run, 3, 'd').catch(() => ({ outcome: 'unavailable' }));
    return outcome === 'appended' || outcome === 'duplicate';
  };
  await waitFor(resumed, { deadlineMs: 10_000, everyMs: 50, what: 'append at the new master' });
  expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('abcd');
  await waitFor(() => followed.resubscriptions() > 0, { deadlineMs: 10_000, what: 'resubscribed at the new master' });
});
