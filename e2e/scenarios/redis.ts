import { call } from '../harness/commands.ts';
import type { Scenario } from '../harness/scenario.ts';
import { elapse, waitFor } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';

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
      const { redis } = stage.cluster;
      redis.pause();
      const from = performance.now();
      const answer = await call('POST', `${stage.origin()}/api/chat?user_id=${stage.userId}`, {
        conversationId: stage.newConversation(),
        messageId: 'm1',
        text: 'count 5 at 100',
      });
      const ms = performance.now() - from;
      redis.resume();
      if (answer.status !== 503 || answer.code !== 'unavailable') throw new Error(`P-10: answered ${answer.status} ${answer.code}`);
      if (ms > 1_200) throw new Error(`P-10: the error came after ${Math.round(ms)} ms`);
      stage.note(`unavailable after ${Math.round(ms)} ms`);
      await stage.settle();
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
      const from = performance.now();
      const body = { conversationId: stage.newConversation(), messageId: 'm1', text: 'count 5 at 100' };
      const answer = await call('POST', `${stage.origin()}/api/chat?user_id=${stage.userId}`, body);
      const ms = performance.now() - from;
      if (answer.code !== 'unavailable') throw new Error(`P-10: answered ${answer.status} ${answer.code}`);
      if (ms > 1_200) throw new Error(`P-10: the error came after ${Math.round(ms)} ms`);
      await elapse(1_500);
      for (const wire of wires.all) wire.refusing = false;
      const again = await waitFor(
        async () => {
          const answer = await call('POST', `${stage.origin()}/api/chat?user_id=${stage.userId}`, body);
          return answer.status === 202;
        },
        { deadlineMs: 5_000, what: 'a prompt to be accepted again' },
      );
      stage.note(`unavailable after ${Math.round(ms)} ms, back ${again ? 'again' : ''}`);
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
