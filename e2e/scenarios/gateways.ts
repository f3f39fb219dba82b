import type { Scenario } from '../harness/scenario.ts';
import { elapse } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';

export const gatewayScenarios: Scenario[] = [
  {
    name: 'gateway-killed',
    promise: 'P-1 P-2',
    cluster: { gateways: 3 },
    run: async (stage) => {
      await underWay(stage, 6, { words: 500, rate: 100 });
      for (const gateway of stage.cluster.gateways.slice(0, 2)) {
        await gateway.kill();
        await elapse(stage.random.between(200, 800));
        await gateway.start();
      }
      await stage.settle();
    },
  },
  {
    name: 'gateway-all-killed',
    promise: 'P-1 P-2',
    run: async (stage) => {
      await underWay(stage, 4, { words: 500, rate: 100 });
      await Promise.all(stage.cluster.gateways.map((gateway) => gateway.kill()));
      await elapse(700);
      await Promise.all(stage.cluster.gateways.map((gateway) => gateway.start()));
      await stage.settle();
    },
  },
  {
    name: 'gateway-paused',
    promise: 'P-1 P-2',
    deadlineMs: 40_000,
    run: async (stage) => {
      await underWay(stage, 4, { words: 700, rate: 100 });
      const [gateway] = stage.cluster.gateways;
      gateway!.pause();
      await elapse(5_000);
      gateway!.resume();
      await stage.settle();
    },
  },
  {
    name: 'gateway-reconnect-storm',
    promise: 'P-1 P-2 P-6',
    cluster: { gateways: 3 },
    deadlineMs: 40_000,
    run: async (stage) => {
      const runs = await underWay(stage, 3, { words: 800, rate: 100 });
      for (const { conversationId } of runs) {
        for (let i = 0; i < 4; i++) {
          stage.watch(conversationId);
          stage.watchBySse(conversationId);
        }
      }
      let reloads = 0;
      while (stage.viewers.some(({ screen }) => screen.finished.size === 0) && reloads < 600) {
        stage.random.pick(stage.viewers).reload({ cursor: stage.random.chance(0.5) });
        reloads++;
        await elapse(stage.random.between(1, 25));
      }
      const stats = stage.viewers.map(({ screen }) => screen.stats);
      const sum = (pick: (one: (typeof stats)[number]) => number): number => stats.reduce((total, one) => total + pick(one), 0);
      stage.note(`${reloads} reloads, ${sum((s) => s.snapshots)} snapshots, ${sum((s) => s.old)} events dropped as old`);
      await stage.settle();
    },
  },
];
