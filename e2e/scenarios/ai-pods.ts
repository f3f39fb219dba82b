import type { ExpectedRun } from '../harness/viewers/expected.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse } from '../harness/wait.ts';

const STALLS = Number(process.env['STALLS'] ?? 6);

/** One run per conversation, each with a WebSocket and an SSE viewer, all under way. */
export const underWay = async (stage: Stage, count: number, run: { words?: number; rate?: number } = {}): Promise<ExpectedRun[]> => {
  const runs: ExpectedRun[] = [];
  for (let i = 0; i < count; i++) {
    const conversationId = stage.newConversation();
    stage.watch(conversationId);
    stage.watchBySse(conversationId);
    runs.push(await stage.startRun({ conversationId, ...run }));
  }
  await Promise.all(runs.map((one) => stage.shown(one, 5)));
  return runs;
};

/** Milliseconds until every viewer of the runs saw `run-moved` (or the end, when that came first). */
const movedAfter = async (stage: Stage, runs: readonly ExpectedRun[], deadlineMs: number): Promise<number> => {
  const from = performance.now();
  const concerned = stage.viewers.filter(({ conversationId }) => runs.some((run) => run.conversationId === conversationId));
  await Promise.all(
    concerned.map(({ screen }) => screen.until(() => screen.stats.moves > 0 || screen.finished.size > 0, deadlineMs, 'the takeover (P-4)')),
  );
  return performance.now() - from;
};

const ownedBy = async (stage: Stage, runs: readonly ExpectedRun[], name: string): Promise<ExpectedRun[]> => {
  const owners = await Promise.all(runs.map((run) => stage.ownerOf(run)));
  return runs.filter((_, i) => owners[i]!.name === name);
};

export const aiPodScenarios: Scenario[] = [
  {
    name: 'ai-killed',
    promise: 'P-1 P-2 P-4',
    run: async (stage) => {
      const runs = await underWay(stage, 6, { words: 500, rate: 100 });
      const victim = await stage.ownerOf(runs[0]!);
      const lost = await ownedBy(stage, runs, victim.name);
      await victim.kill();
      const ms = await movedAfter(stage, lost, 6_000);
      stage.note(`${lost.length} runs taken over ${Math.round(ms)} ms after SIGKILL`);
      // Whoever waits for the lease to end waits for 2.25 s at least.
      if (ms > 2_000) throw new Error(`P-4: ${Math.round(ms)} ms`);
      await stage.settle();
    },
  },
  {
    // An hour of it with `STALLS=2000 npm run e2e -- --only ai-stalled`.
    name: 'ai-stalled-is-not-dead',
    promise: 'P-1 P-2 P-3 P-4',
    deadlineMs: 20_000 + STALLS * 2_500,
    run: async (stage) => {
      const runs = await underWay(stage, 4, { words: 300 + STALLS * 60, rate: 50 });
      const owners = await Promise.all(runs.map((run) => stage.ownerOf(run)));
      for (let i = 0; i < STALLS; i++) {
        const owner = owners[i % owners.length]!;
        owner.pause();
        await elapse(stage.random.between(100, 1_000));
        owner.resume();
        // The end of a gateway is the end of a connection, too, and no pod's.
        const gateway = stage.cluster.gateways[i % 2]!;
        if (i % 3 === 0) await gateway.kill().then(() => gateway.start());
        else await elapse(300);
      }
      await stage.settle();
      const moves = stage.viewers.reduce((sum, { screen }) => sum + screen.stats.moves, 0);
      if (moves > 0) throw new Error(`${moves} times a viewer saw an answer taken from a pod that lived`);
      stage.note(`${STALLS} stalls of up to a second, no answer taken over`);
    },
  },
  {
    name: 'ai-killed-again-and-again',
    promise: 'P-1 P-2 P-4',
    cluster: { ai: 3 },
    deadlineMs: 45_000,
    run: async (stage) => {
      const [run] = await underWay(stage, 1, { words: 500, rate: 80 });
      for (let i = 0; i < 3; i++) {
        const owner = await stage.ownerOf(run!);
        await owner.kill();
        await owner.start();
        const { screen } = stage.viewers[0]!;
        await screen.until(() => screen.stats.moves > i || screen.finished.size > 0, 6_000, `takeover ${i + 1}`);
        await stage.shown(run!, stage.random.between(50, 100) * (i + 1));
      }
      await stage.settle({ deadlineMs: 25_000 });
    },
  },
  {
    name: 'ai-paused-zombie',
    promise: 'P-1 P-2 P-3 P-4',
    run: async (stage) => {
      const runs = await underWay(stage, 4, { words: 600, rate: 100 });
      const zombie = await stage.ownerOf(runs[0]!);
      const lost = await ownedBy(stage, runs, zombie.name);
      zombie.pause();
      const ms = await movedAfter(stage, lost, 6_000);
      stage.note(`${lost.length} runs taken over ${Math.round(ms)} ms after SIGSTOP`);
      // It wakes up in the middle of a sentence, sure that it still owns the run.
      zombie.resume();
      await stage.settle();
    },
  },
  {
    name: 'ai-paused-shorter-than-its-lease',
    promise: 'P-1 P-2',
    run: async (stage) => {
      const runs = await underWay(stage, 4, { words: 400, rate: 100 });
      const owner = await stage.ownerOf(runs[0]!);
      for (let i = 0; i < 3; i++) {
        owner.pause();
        await elapse(stage.random.between(300, 1_500));
        owner.resume();
        await elapse(300);
      }
      await stage.settle();
    },
  },
  {
    name: 'ai-all-dead-then-one',
    promise: 'P-1 P-2',
    cluster: { ai: 2, aiStarted: 0 },
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      const run = await stage.startRun({ conversationId, words: 50 });
      const { screen } = stage.viewers[0]!;
      await screen.until(() => screen.run?.runId === run.runId, 3_000, 'the queued run to be shown');
      await stage.cluster.ai[1]!.start();
      const readyAt = performance.now();
      await stage.shown(run, 1, 4_000);
      stage.note(`queued run taken ${Math.round(performance.now() - readyAt)} ms after a pod was ready`);
      await stage.settle();
    },
  },
  {
    name: 'ai-all-killed-under-load-then-one',
    promise: 'P-1 P-2 P-4',
    run: async (stage) => {
      await underWay(stage, 5, { words: 500, rate: 100 });
      await Promise.all(stage.cluster.ai.map((pod) => pod.kill()));
      await elapse(1_000);
      await stage.cluster.ai[0]!.start();
      await stage.settle();
    },
  },
];
