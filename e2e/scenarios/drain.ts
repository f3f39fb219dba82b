import type { Scenario } from '../harness/scenario.ts';
import { underWay } from './ai-pods.ts';

export const drainScenarios: Scenario[] = [
  {
    name: 'drain-ai',
    promise: 'P-1 P-2 P-4',
    run: async (stage) => {
      const runs = await underWay(stage, 8, { words: 500, rate: 100 });
      const [leaving] = stage.cluster.ai;
      const owners = await Promise.all(runs.map((run) => stage.ownerOf(run)));
      const moving = runs.filter((_, i) => owners[i] === leaving);
      const from = performance.now();
      const exit = leaving!.terminate();
      const concerned = stage.viewers.filter(({ conversationId }) => moving.some((run) => run.conversationId === conversationId));
      await Promise.all(
        concerned.map(({ screen }) => screen.until(() => screen.stats.moves > 0 || screen.finished.size > 0, 5_000, 'the takeover')),
      );
      const ms = performance.now() - from;
      const code = await exit;
      stage.note(`${moving.length} runs moved within ${Math.round(ms)} ms of SIGTERM, exit code ${code}`);
      if (moving.length > 0 && ms > 300) throw new Error(`P-4: ${Math.round(ms)} ms after SIGTERM`);
      if (code !== 0) throw new Error(`the drained pod ended with ${code}`);
      await stage.settle();
    },
  },
  {
    name: 'drain-gateway',
    promise: 'P-1 P-2',
    cluster: { gateways: 3 },
    deadlineMs: 60_000,
    run: async (stage) => {
      await underWay(stage, 8, { words: 800, rate: 100 });
      const [leaving] = stage.cluster.gateways;
      const lingering = stage.watch(stage.viewers[0]!.conversationId, { first: leaving!, lingers: true });
      await lingering.screen.until(() => lingering.nodes.length > 0, 3_000, 'a welcome of the pod that leaves');
      const code = await leaving!.terminate();
      if (code !== 0) throw new Error(`the drained gateway ended with ${code}`);
      await stage.settle();
      const [closed] = lingering.closeCodes;
      if (closed !== 4000) throw new Error(`who stayed was closed with ${closed}, not 4000`);
    },
  },
  {
    name: 'rolling-deploy-of-everything',
    promise: 'P-1 P-2 P-4',
    cluster: { gateways: 2, ai: 2 },
    deadlineMs: 60_000,
    run: async (stage) => {
      await underWay(stage, 5, { words: 1_500, rate: 100 });
      for (const pod of [...stage.cluster.ai, ...stage.cluster.gateways]) {
        const code = await pod.terminate();
        if (code !== 0) throw new Error(`${pod.name} ended with ${code}`);
        await pod.start();
      }
      await stage.settle();
    },
  },
];
