import { cancel } from '../harness/commands.ts';
import type { ExpectedRun } from '../harness/viewers/expected.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse } from '../harness/wait.ts';

const TARGET_MS = 250;

/** Cancels from a gateway the run was not started on; every viewer must see the end in time (P-5). */
export const cancelled = async (stage: Stage, run: ExpectedRun): Promise<number> => {
  const from = performance.now();
  const gateway = stage.cluster.gateways[1]!;
  const answer = await cancel(gateway.url, { conversationId: run.conversationId, runId: run.runId, userId: stage.userId });
  if (answer.outcome !== 'cancelling') throw new Error(`P-5: answered ${answer.status} ${answer.outcome ?? answer.code}`);
  await stage.ended(run, 3_000);
  return performance.now() - from;
};

export const inTime = (stage: Stage, phase: string, figures: readonly number[]): void => {
  const worst = Math.round(Math.max(...figures));
  stage.note(`${phase}: ${worst} ms at most of ${figures.length}`);
  if (worst > TARGET_MS) throw new Error(`P-5: ${phase} took ${worst} ms`);
};

export const begin = async (stage: Stage, fault = '', endings = ['cancelled']): Promise<ExpectedRun> => {
  const conversationId = stage.newConversation();
  stage.watch(conversationId, { at: stage.cluster.gateways[0]! });
  stage.watchBySse(conversationId, { at: stage.cluster.gateways[1]! });
  await stage.live();
  return stage.startRun({ conversationId, words: 300, rate: 50, fault, endings, via: stage.cluster.gateways[0]! });
};

export const cancelScenarios: Scenario[] = [
  {
    name: 'cancel-queued-without-ai-pods',
    promise: 'P-1 P-2 P-5',
    cluster: { ai: 1, aiStarted: 0 },
    run: async (stage) => {
      const figures: number[] = [];
      for (let i = 0; i < 5; i++) figures.push(await cancelled(stage, await begin(stage)));
      inTime(stage, 'queued', figures);
      await stage.cluster.ai[0]!.start();
      await stage.settle();
    },
  },
  {
    name: 'cancel-before-first-token',
    promise: 'P-1 P-2 P-5',
    run: async (stage) => {
      const figures: number[] = [];
      for (let i = 0; i < 5; i++) {
        const run = await begin(stage, 'hang 0');
        await elapse(stage.random.between(0, 60));
        figures.push(await cancelled(stage, run));
      }
      inTime(stage, 'before the first token', figures);
      await stage.settle();
    },
  },
  {
    name: 'cancel-streaming',
    promise: 'P-1 P-2 P-5',
    run: async (stage) => {
      const figures: number[] = [];
      for (let i = 0; i < 10; i++) {
        const run = await begin(stage);
        await stage.shown(run, stage.random.between(1, 20));
        figures.push(await cancelled(stage, run));
      }
      inTime(stage, 'streaming', figures);
      await stage.settle();
    },
  },
  {
    name: 'cancel-at-the-end',
    promise: 'P-1 P-2 P-5',
    run: async (stage) => {
      const outcomes = new Map<string, number>();
      for (let i = 0; i < 12; i++) {
        const conversationId = stage.newConversation();
        stage.watch(conversationId);
        await stage.live();
        const run = await stage.startRun({ conversationId, words: 30, rate: 200, endings: ['complete', 'cancelled'] });
        await stage.shown(run, stage.random.between(26, 30));
        const answer = await cancel(stage.origin(), { conversationId, runId: run.runId, userId: stage.userId });
        const outcome = String(answer.outcome ?? answer.code);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        await stage.ended(run, 3_000);
        const reason = stage.viewers.at(-1)!.screen.finished.get(run.runId)!.reason;
        if ((reason === 'cancelled') !== (outcome === 'cancelling')) throw new Error(`P-5: said ${outcome}, ended ${reason}`);
        const late = await cancel(stage.origin(), { conversationId, runId: run.runId, userId: stage.userId });
        if (late.outcome !== 'already-ended') throw new Error(`P-5: after the end it said ${late.outcome ?? late.code}`);
      }
      stage.note([...outcomes].map(([outcome, n]) => `${n} ${outcome}`).join(', '));
      await stage.settle();
    },
  },
  {
    name: 'cancel-while-pubsub-is-cut',
    promise: 'P-1 P-2 P-5',
    cluster: { proxied: true },
    run: async (stage) => {
      const run = await begin(stage);
      await stage.shown(run, 10);
      const { wires } = stage.cluster;
      for (const wire of wires.all) wire.blackHole = 'subscribers';
      const from = performance.now();
      const answer = await cancel(stage.cluster.gateways[1]!.url, {
        conversationId: run.conversationId,
        runId: run.runId,
        userId: stage.userId,
      });
      if (answer.outcome !== 'cancelling') throw new Error(`P-5: answered ${answer.outcome ?? answer.code}`);
      // What is promised is that the run ends in time; a deaf gateway shows it by its next silence poll.
      const atGateway = stage.viewers[1]!.screen;
      await atGateway.until(() => atGateway.finished.has(run.runId), 3_000, 'the end at the gateway that took the cancel');
      stage.note(`shown by the gateway that took it after ${Math.round(performance.now() - from)} ms`);
      for (const wire of wires.all) wire.blackHole = null;
      await stage.settle();
    },
  },
  {
    name: 'cancel-while-the-owner-is-paused',
    promise: 'P-1 P-2 P-3 P-5',
    run: async (stage) => {
      const run = await begin(stage);
      await stage.shown(run, 10);
      const owner = await stage.ownerOf(run);
      owner.pause();
      inTime(stage, 'owner paused', [await cancelled(stage, run)]);
      owner.resume();
      await stage.settle();
    },
  },
];
