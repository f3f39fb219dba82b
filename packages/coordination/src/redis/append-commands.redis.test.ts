import { newId } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { append, startRun, snapshotOf } from '../../test/contract/world.ts';
import { shardOf, slotOfShard } from './keys.ts';
import { createRedisRunLog } from './run-log.ts';
import { startRedis, startRedisCluster } from '../../testing/index.ts';

const open = async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const log = createRedisRunLog({ url: redis.url });
  onTestFinished(() => log.close());
  return { redis, log };
};

test('L-1 many runs at once: each append gets its own answer', async () => {
  const { log } = await open();
  const runs = await Promise.all(Array.from({ length: 50 }, () => startRun(log)));
  for (let at = 0; at < 20; at++) {
    const answers = await Promise.all(runs.map((run, index) => append(log, run, index % 10 === at % 10 ? at + 1 : at, 'x')));
    for (const [index, answer] of answers.entries()) {
      // Every tenth asks for a place one too far, and is told where the text really ends; then it does it right.
      if (index % 10 !== at % 10) expect(answer).toEqual({ outcome: 'appended', offset: 4 + at });
      else {
        expect(answer).toEqual({ outcome: 'gap', bytes: at });
        expect(await append(log, runs[index]!, at, 'x')).toEqual({ outcome: 'appended', offset: 4 + at });
      }
    }
  }
  expect((await snapshotOf(log, runs[0]!.conversationId)).run?.text).toBe('x'.repeat(20));
});

test('L-1 a Redis that has forgotten its scripts is told them again, and nothing is written twice', async () => {
  const { redis, log } = await open();
  const run = await startRun(log);
  expect(await append(log, run, 0, 'a')).toEqual({ outcome: 'appended', offset: 4 });
  await redis.cli('SCRIPT', 'FLUSH');
  expect(await append(log, run, 1, 'b')).toEqual({ outcome: 'appended', offset: 5 });
  expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'appended', offset: 6 });
  expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('abc');
});

test('L-6 an append follows its slot to another node of the cluster', async () => {
  const cluster = await startRedisCluster(3);
  onTestFinished(() => cluster.stop());
  const log = createRedisRunLog({ url: cluster.url });
  onTestFinished(() => log.close());
  const run = await startRun(log, { conversationId: newId() });
  expect(await append(log, run, 0, 'a')).toMatchObject({ outcome: 'appended' });
  const slot = slotOfShard(shardOf(run.conversationId));
  const ids = await Promise.all(cluster.nodes.map(async (node) => String(await node.cli('CLUSTER', 'MYID'))));
  const owner = Math.floor(slot / Math.ceil(16_384 / 3));
  const next = (owner + 1) % 3;
  await cluster.nodes[owner]!.cli('FLUSHALL');
  for (const index of [next, owner, 3 - owner - next]) await cluster.nodes[index]!.cli('CLUSTER', 'SETSLOT', slot, 'NODE', ids[next]!);
  // The client still believes in the old node: it is sent on, and the new one knows nothing of the run.
  expect(await append(log, run, 1, 'b')).toEqual({ outcome: 'gone' });
});
