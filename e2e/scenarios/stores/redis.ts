import { call, type HttpAnswer } from '../../harness/commands.ts';
import { startLoad } from '../../harness/load.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { underWay } from '../ai-pods.ts';
import { begin, cancelled, inTime } from '../cancel.ts';

/** P-10's second, with what a busy machine takes for the way. */
const TOLD_MS = 1_200;
/** An AI pod's, unless told otherwise. */
const LEASE_MS = 3_000;

const ask = (stage: Stage): Promise<HttpAnswer> => {
  const body = { conversationId: stage.newConversation(), messageId: 'm1', text: 'count 5 at 100' };
  return call('POST', `${stage.origin()}/api/chat?user_id=${stage.userId}`, body);
};

/** P-10: while the store is away, a prompt is told so, and soon. */
const expectUnavailable = async (stage: Stage): Promise<void> => {
  const from = performance.now();
  const { status, code } = await ask(stage);
  const ms = Math.round(performance.now() - from);
  if (status !== 503 || code !== 'unavailable') throw new Error(`P-10: answered ${status} ${code}`);
  if (ms > TOLD_MS) throw new Error(`P-10: the error came after ${ms} ms`);
  stage.note(`unavailable after ${ms} ms`);
};

export const redisScenarios: Scenario[] = [
  {
    name: 'redis-paused-3s',
    promise: 'P-1 P-2 P-10',
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 4, { words: 600, rate: 100 });
      stage.cluster.redis.pause();
      await elapse(3_000);
      stage.cluster.redis.resume();
      await stage.settle();
    },
  },
  {
    name: 'redis-restarted-empty',
    promise: 'P-1 P-2 L-6',
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 4, { words: 600, rate: 100 });
      await stage.cluster.redis.restartEmpty();
      await stage.settle();
      const logs = stage.viewers.filter(({ screen }) => screen.stats.logs > 0).length;
      stage.note(`${logs} of ${stage.viewers.length} viewers saw a new log`);
    },
  },
  {
    name: 'redis-down-then-back',
    promise: 'P-1 P-2 P-10',
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 3, { words: 500, rate: 100 });
      stage.cluster.redis.pause();
      await expectUnavailable(stage).finally(stage.cluster.redis.resume);
      await stage.settle();
    },
  },
  {
    name: 'redis-stops-under-load',
    promise: 'P-1 P-2 P-10',
    deadlineMs: 40_000,
    run: async (stage) => {
      // Answers flow, so the store has always just answered something when it stops.
      await underWay(stage, 3, { words: 900, rate: 100 });
      const { redis } = stage.cluster;
      for (let round = 0; round < 3; round++) {
        const load = startLoad(stage, 40);
        await elapse(stage.random.between(200, 700));
        redis.pause();
        const stoppedAt = performance.now();
        await elapse(1_600);
        redis.resume();
        const told = await load.stop();
        const odd = told.find(({ status, code }) => status !== 202 && code !== 'unavailable');
        if (odd) throw new Error(`P-10: answered ${odd.status} ${odd.code}`);
        const waits = told.filter(({ code }) => code === 'unavailable').map(({ sentAt, toldAt }) => toldAt - Math.max(sentAt, stoppedAt));
        if (waits.length === 0) throw new Error('P-10: a store that stopped was not noticed');
        const longest = Math.round(Math.max(...waits));
        stage.note(`${waits.length} of ${told.length} told, the last after ${longest} ms`);
        if (longest > TOLD_MS) throw new Error(`P-10: an error came after ${longest} ms`);
      }
      await stage.settle();
    },
  },
  {
    name: 'redis-full',
    promise: 'P-1 P-2 P-4 P-5 P-10',
    deadlineMs: 40_000,
    run: async (stage) => {
      const { redis } = stage.cluster;
      const unwanted = await begin(stage);
      const runs = await underWay(stage, 3, { words: 600, rate: 100 });
      await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
      await expectUnavailable(stage);
      await elapse(LEASE_MS + 1_000);
      inTime(stage, 'full', [await cancelled(stage, unwanted)]);
      await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
      await stage.settle();
      const moved = stage.viewers.filter(
        ({ conversationId, screen }) => screen.stats.moves > 0 && runs.some((run) => run.conversationId === conversationId),
      );
      if (moved.length > 0) throw new Error('P-4: a living owner lost its lease');
    },
  },
  {
    name: 'redis-refused-then-back',
    promise: 'P-1 P-2 P-10',
    cluster: { proxied: true },
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 3, { words: 500, rate: 100 });
      const { wires } = stage.cluster;
      for (const wire of wires.all) {
        wire.refusing = true;
        wire.cut();
      }
      await expectUnavailable(stage);
      await elapse(1_500);
      for (const wire of wires.all) wire.refusing = false;
      await waitFor(async () => (await ask(stage)).status === 202, { deadlineMs: 5_000, what: 'a prompt to be accepted again' });
      await stage.settle();
    },
  },
  {
    name: 'pubsub-killed-repeatedly',
    promise: 'P-1 P-2',
    run: async (stage) => {
      await underWay(stage, 5, { words: 500, rate: 100 });
      for (let i = 0; i < 12; i++) {
        await stage.cluster.redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await elapse(stage.random.between(50, 450));
      }
      await stage.settle();
    },
  },
  {
    name: 'pubsub-black-holed',
    promise: 'P-1 P-2',
    cluster: { proxied: true },
    deadlineMs: 40_000,
    run: async (stage) => {
      const runs = await underWay(stage, 3, { words: 500, rate: 100 });
      stage.cluster.wires.gateways.blackHole = 'subscribers';
      const from = performance.now();
      // Nobody tells the gateway that its subscription is dead: the silence poll must find the text.
      await Promise.all(runs.map((run) => stage.shown(run, 400, 15_000)));
      stage.note(`400 words shown ${Math.round(performance.now() - from)} ms after the channel fell silent`);
      stage.cluster.wires.gateways.blackHole = null;
      await stage.settle();
    },
  },
  {
    name: 'redis-latency-50ms',
    promise: 'P-1 P-2',
    cluster: { proxied: true },
    deadlineMs: 40_000,
    run: async (stage) => {
      const { wires } = stage.cluster;
      for (const wire of wires.all) wire.latencyMs = 50;
      const runs = await underWay(stage, 5, { words: 300, rate: 100 });
      await Promise.all(runs.map((run) => stage.ended(run, 15_000)));
      await stage.settle();
    },
  },
  {
    name: 'redis-connections-cut',
    promise: 'P-1 P-2',
    cluster: { proxied: true },
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 5, { words: 500, rate: 100 });
      const { wires } = stage.cluster;
      for (let i = 0; i < 10; i++) {
        stage.random.pick(wires.all).cut();
        await elapse(stage.random.between(50, 500));
      }
      await stage.settle();
    },
  },
];
