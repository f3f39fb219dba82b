import type { Scenario } from '../../harness/scenario.ts';
import { startReplica } from '../../harness/processes/replica.ts';
import { elapse } from '../../harness/wait.ts';
import { underWay } from '../ai-pods.ts';

export const failoverScenarios: Scenario[] = [
  {
    name: 'redis-failover-to-a-replica-that-lags',
    promise: 'P-1 P-2 L-1 L-6',
    cluster: { proxied: true },
    deadlineMs: 45_000,
    run: async (stage) => {
      const { redis, wires } = stage.cluster;
      await using replica = await startReplica(redis.nodes[0]!);
      await underWay(stage, 4, { words: 700, rate: 100 });
      await elapse(500);
      await replica.caughtUp();
      replica.lag();
      // What is shown from here on, the replica will not have.
      await elapse(1_000);
      await redis.nodes[0]!.kill();
      await replica.redis.cli('REPLICAOF', 'NO', 'ONE');
      for (const wire of wires.all) {
        wire.target = replica.redis.port;
        // Gateways find the new master first, and nobody has told it yet what is missing.
        wire.refusing = wire !== wires.gateways;
        wire.cut();
      }
      await elapse(1_500);
      for (const wire of wires.ai) wire.refusing = false;
      await Promise.all([...stage.expected.runs.values()].map((run) => stage.ended(run, 20_000)));
      stage.useRedis(replica.redis);
      await stage.settle();
      const logs = stage.viewers.filter(({ screen }) => screen.stats.logs > 0).length;
      stage.note(`${logs} viewers saw a new log`);
    },
  },
  {
    name: 'redis-cluster-with-one-master-paused',
    promise: 'P-1 P-2 P-10',
    cluster: { redisCluster: true },
    deadlineMs: 60_000,
    run: async (stage) => {
      const { redis, ai, gateways } = stage.cluster;
      await underWay(stage, 8, { words: 800, rate: 100 });
      await ai[0]!.kill();
      await ai[0]!.start();
      await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
      const node = stage.random.pick(redis.nodes);
      // Longer than its peers take to call it failed; there is no replica, so its shards wait for it.
      node.pause();
      await elapse(3_000);
      node.resume();
      await gateways[0]!.kill();
      await gateways[0]!.start();
      await stage.settle({ deadlineMs: 30_000 });
    },
  },
  {
    name: 'ai-partitioned-from-redis',
    promise: 'P-1 P-2 P-3 P-4',
    cluster: { proxied: true },
    deadlineMs: 40_000,
    run: async (stage) => {
      const [run] = await underWay(stage, 1, { words: 700, rate: 100 });
      const owner = await stage.ownerOf(run!);
      const wire = stage.cluster.wires.ai[stage.cluster.ai.indexOf(owner)]!;
      wire.blackHole = 'all';
      const from = performance.now();
      const { screen } = stage.viewers[0]!;
      await screen.until(() => screen.stats.moves > 0, 6_000, 'the takeover');
      const ms = performance.now() - from;
      stage.note(`taken over ${Math.round(ms)} ms after the partition`);
      if (ms > 4_500) throw new Error(`P-4: ${Math.round(ms)} ms`);
      // Its connections work again, and it still believes in its run.
      wire.blackHole = null;
      await stage.settle();
    },
  },
  {
    name: 'redis-empty-and-the-owner-dead',
    promise: 'P-2 P-10 W-13',
    deadlineMs: 40_000,
    run: async (stage) => {
      const conversationId = stage.newConversation();
      const viewers = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      const run = await stage.startRun({ conversationId, words: 500, rate: 100 });
      await stage.shown(run, 50);
      await Promise.all(stage.cluster.ai.map((pod) => pod.kill()));
      await stage.cluster.redis.restartEmpty();
      // Nobody holds the text any more and no audit has it: after a grace readers are told the truth, and the conversation works.
      await Promise.all(
        viewers.map(({ screen }) => screen.until(() => screen.offset === 0 && screen.run === null, 12_000, 'the empty truth')),
      );
      stage.expected.runs.clear();
      await stage.cluster.ai[0]!.start();
      await stage.startRun({ conversationId, words: 20 });
      await stage.settle();
    },
  },
  {
    name: 'drain-while-redis-is-down',
    promise: 'P-1 P-2 P-10',
    deadlineMs: 80_000,
    run: async (stage) => {
      await underWay(stage, 4, { words: 500, rate: 100 });
      const { redis, ai, gateways } = stage.cluster;
      redis.pause();
      const from = performance.now();
      const codes = await Promise.all([ai[0]!.terminate({ deadlineMs: 45_000 }), gateways[0]!.terminate({ deadlineMs: 45_000 })]);
      stage.note(`both ended after ${Math.round((performance.now() - from) / 1_000)} s with ${codes.join(' and ')}`);
      redis.resume();
      await Promise.all([ai[0]!.start(), gateways[0]!.start()]);
      await stage.settle({ deadlineMs: 25_000 });
    },
  },
];
