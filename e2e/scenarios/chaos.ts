import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse } from '../harness/wait.ts';

const DURATION_MS = 20_000;

/** One random fault; each leaves the cluster whole again before it resolves. */
const fault = async (stage: Stage): Promise<string> => {
  const { random, cluster } = stage;
  const pod = random.pick([...cluster.ai, ...cluster.gateways]);
  switch (random.between(0, 6)) {
    case 0:
    case 1:
      await pod.kill();
      await elapse(random.between(0, 500));
      await pod.start();
      return `kill ${pod.name}`;
    case 2:
      pod.pause();
      await elapse(random.between(200, 4_500));
      pod.resume();
      return `pause ${pod.name}`;
    case 3:
      await cluster.redis.cli('CLIENT', 'KILL', 'TYPE', random.pick(['pubsub', 'normal']));
      return 'kill Redis connections';
    case 4:
      cluster.redis.pause();
      await elapse(random.between(100, 1_500));
      cluster.redis.resume();
      return 'pause Redis';
    case 5:
      await pod.terminate();
      await pod.start();
      return `drain ${pod.name}`;
    default:
      for (const viewer of stage.viewers) if (random.chance(0.3)) viewer.reload({ cursor: random.chance(0.5) });
      return 'reload a third of the viewers';
  }
};

export const chaosScenarios: Scenario[] = [
  {
    name: 'chaos',
    promise: 'P-1 P-2 P-3',
    cluster: { gateways: 3, ai: 3 },
    deadlineMs: 100_000,
    run: async (stage) => {
      const until = performance.now() + DURATION_MS;
      const { random } = stage;
      const conversations = Array.from({ length: 4 }, () => stage.newConversation());
      for (const conversationId of conversations) {
        stage.watch(conversationId);
        stage.watchBySse(conversationId);
      }
      let runs = 0;
      const talk = async (conversationId: string): Promise<void> => {
        while (performance.now() < until) {
          const run = await stage.startRun({ conversationId, words: random.between(50, 600), rate: 100 });
          runs++;
          await stage.ended(run, 60_000);
        }
      };
      const faults: string[] = [];
      const harm = async (): Promise<void> => {
        while (performance.now() < until) {
          faults.push(await fault(stage));
          await elapse(random.between(50, 800));
        }
      };
      const reload = async (): Promise<void> => {
        while (performance.now() < until) {
          random.pick(stage.viewers).reload({ cursor: random.chance(0.6) });
          await elapse(random.between(20, 400));
        }
      };
      await Promise.all([...conversations.map(talk), harm(), reload()]);
      stage.note(`${runs} runs through ${faults.length} faults`);
      await stage.settle({ deadlineMs: 30_000 });
    },
  },
];
