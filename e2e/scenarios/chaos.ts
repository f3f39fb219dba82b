import { randomUUID } from 'node:crypto';
import { call, cancel, prompt } from '../harness/commands.ts';
import type { Random } from '../harness/random.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse } from '../harness/wait.ts';

const DURATION_MS = 20_000;

type Fault = (stage: Stage, random: Random) => Promise<string>;

/** Each leaves the cluster whole again before it resolves. */
const FAULTS: Fault[] = [
  async ({ cluster }, random) => {
    const pod = random.pick([...cluster.ai, ...cluster.gateways]);
    await pod.kill();
    await elapse(random.between(0, 500));
    await pod.start();
    return `kill ${pod.name}`;
  },
  async ({ cluster }, random) => {
    const pod = random.pick([...cluster.ai, ...cluster.gateways]);
    pod.pause();
    await elapse(random.between(200, 4_500));
    pod.resume();
    return `pause ${pod.name}`;
  },
  async ({ cluster }, random) => {
    const pod = random.pick([...cluster.ai, ...cluster.gateways]);
    await pod.terminate();
    await pod.start();
    return `drain ${pod.name}`;
  },
  async ({ cluster }, random) => {
    const type = random.pick(['pubsub', 'normal']);
    await cluster.redis.cli('CLIENT', 'KILL', 'TYPE', type);
    return `kill ${type} connections`;
  },
  async ({ cluster }, random) => {
    cluster.redis.pause();
    await elapse(random.between(100, 1_500));
    cluster.redis.resume();
    return 'pause Redis';
  },
  async ({ cluster }, random) => {
    const which = random.pick(['subscribers', 'commands', 'all'] as const);
    const wire = random.pick(cluster.wires.all);
    wire.blackHole = which;
    await elapse(random.between(200, 4_500));
    wire.blackHole = null;
    return `black-hole ${which}`;
  },
  async ({ cluster }, random) => {
    const wire = random.pick(cluster.wires.all);
    wire.latencyMs = random.between(5, 60);
    await elapse(random.between(500, 2_000));
    wire.latencyMs = 0;
    wire.cut();
    return 'slow wire, then cut';
  },
  async ({ viewers }, random) => {
    for (const viewer of viewers) if (random.chance(0.3)) viewer.reload({ cursor: random.chance(0.5) });
    return 'reload a third of the viewers';
  },
];

/** A person who prompts, prompts twice by accident, asks again, and sometimes has heard enough. */
const talk = async (stage: Stage, random: Random, conversationId: string, until: number): Promise<number> => {
  let runs = 0;
  while (performance.now() < until) {
    const impatient = random.chance(0.3);
    const endings = impatient ? ['complete', 'cancelled'] : ['complete'];
    const words = random.between(30, 500);
    const run = await stage.startRun({ conversationId, words, rate: 100, endings });
    if (random.chance(0.3)) {
      const again = { conversationId, userId: stage.userId, messageId: run.messageId, runId: randomUUID(), text: `count ${words} at 100` };
      const { runId } = await prompt(stage.origin, again);
      if (runId !== run.runId) throw new Error(`W-4: a repeated prompt made run ${runId}`);
    }
    if (impatient) {
      await elapse(random.between(0, 2_000));
      await cancel(stage.origin(), { conversationId, runId: run.runId, userId: stage.userId });
    }
    runs++;
    await stage.ended(run, 60_000);
    if (random.chance(0.2)) {
      const second = stage.expected.add({ conversationId, runId: randomUUID(), messageId: run.messageId, words, endings: ['complete'] });
      const body = { conversationId, parentId: run.messageId, runId: second.runId };
      const answer = await call('POST', `${stage.origin()}/api/regenerate?user_id=${stage.userId}`, body);
      // A call whose answer was lost may have started it all the same; only one that was refused for certain is forgotten.
      const asked =
        answer.status === 202 || (await call('POST', `${stage.origin()}/api/regenerate?user_id=${stage.userId}`, body)).status === 202;
      if (asked) await stage.ended(second, 60_000);
      else stage.expected.runs.delete(second.runId);
    }
  }
  return runs;
};

export const chaosScenarios: Scenario[] = [
  {
    name: 'chaos',
    promise: 'P-1 P-2 P-3 P-5 W-4',
    cluster: { gateways: 3, ai: 3, proxied: true },
    deadlineMs: 120_000,
    run: async (stage) => {
      const until = performance.now() + DURATION_MS;
      const conversations = Array.from({ length: 4 }, () => stage.newConversation());
      for (const conversationId of conversations) {
        stage.watch(conversationId);
        stage.watchBySse(conversationId);
      }
      const faults: string[] = [];
      const harm = async (random: Random): Promise<void> => {
        while (performance.now() < until) {
          const fault = random.pick(FAULTS);
          faults.push(await fault(stage, random));
          await elapse(random.between(50, 800));
        }
      };
      const reload = async (random: Random): Promise<void> => {
        while (performance.now() < until) {
          random.pick(stage.viewers).reload({ cursor: random.chance(0.6) });
          await elapse(random.between(20, 400));
        }
      };
      const talks = conversations.map((conversationId) => talk(stage, stage.random.fork(), conversationId, until));
      try {
        const [runs] = await Promise.all([Promise.all(talks), harm(stage.random.fork()), reload(stage.random.fork())]);
        stage.note(`${runs.reduce((sum, one) => sum + one, 0)} runs through ${faults.length} faults`);
      } catch (error) {
        stage.note(`faults: ${faults.join(', ')}`);
        throw error;
      }
      await stage.settle({ deadlineMs: 30_000 });
    },
  },
];
