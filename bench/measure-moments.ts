import { cancel, createRandom, startCluster, Stage, type ExpectedRun } from '@runnel/e2e';
import { Histogram, type Quantiles } from './histogram.ts';

export interface MomentFigures {
  /** Follow without a cursor of a running answer of 2,000 chunks: connect to `live`, ms. */
  reload: Quantiles;
  /** The same with a cursor a little behind. */
  resume: Quantiles;
  /** Cancel sent (to another gateway) to `run-ended` seen. */
  cancel: Quantiles;
  /** SIGKILL of the owner to `run-moved` seen. */
  takeover: Quantiles;
  /** SIGTERM of the owner to `run-moved` seen. */
  drain: Quantiles;
}

type Summaries = { [K in keyof MomentFigures]: Histogram };

const timed = async (histogram: Histogram, work: () => Promise<unknown>): Promise<void> => {
  const from = performance.now();
  await work();
  histogram.add(performance.now() - from);
};

const reloads = async (stage: Stage, figures: Summaries, times: number): Promise<void> => {
  const conversationId = stage.newConversation();
  const viewer = stage.watch(conversationId);
  const run = await stage.startRun({ conversationId, words: 20_000, rate: 1_000, endings: ['cancelled'] });
  await stage.shown(run, 2_000);
  for (let i = 0; i < times; i++) {
    for (const kind of ['reload', 'resume'] as const) {
      await timed(figures[kind], () => {
        viewer.reload({ cursor: kind === 'resume' });
        return stage.live([viewer]);
      });
    }
  }
  await cancel(stage.origin(), { conversationId, runId: run.runId, userId: stage.userId });
  await stage.ended(run);
};

const cancels = async (stage: Stage, figures: Summaries, times: number): Promise<void> => {
  for (let i = 0; i < times; i++) {
    const conversationId = stage.newConversation();
    stage.watch(conversationId, { at: stage.cluster.gateways[0]! });
    const run = await stage.startRun({ conversationId, words: 500, rate: 50, endings: ['cancelled'] });
    await stage.shown(run, 3);
    await timed(figures.cancel, async () => {
      await cancel(stage.cluster.gateways[1]!.url, { conversationId, runId: run.runId, userId: stage.userId });
      await stage.ended(run);
    });
    stage.closeViewers();
    stage.viewers.length = 0;
  }
};

const moves = async (stage: Stage, figures: Summaries, how: 'takeover' | 'drain', count: number): Promise<void> => {
  const runs: ExpectedRun[] = [];
  for (let i = 0; i < count; i++) {
    const conversationId = stage.newConversation();
    stage.watch(conversationId);
    runs.push(await stage.startRun({ conversationId, words: 800, rate: 50 }));
  }
  await Promise.all(runs.map((run) => stage.shown(run, 2)));
  const leaving = await stage.ownerOf(runs[0]!);
  const owners = await Promise.all(runs.map((run) => stage.ownerOf(run)));
  const concerned = stage.viewers.filter((_, i) => owners[i] === leaving);
  const from = performance.now();
  const left = how === 'takeover' ? leaving.kill() : leaving.terminate();
  await Promise.all(
    concerned.map(async ({ screen }) => {
      await screen.until(() => screen.stats.moves > 0, 8_000, `the ${how}`);
      figures[how].add(performance.now() - from);
    }),
  );
  await left;
  await leaving.start();
  stage.closeViewers();
  stage.viewers.length = 0;
};

/** The moments a person notices: a reload, a cancel, a pod that dies or leaves. */
export const measureMoments = async ({ times }: { times: number }): Promise<MomentFigures> => {
  const cluster = await startCluster({ gateways: 2, ai: 3 });
  const stage = new Stage(cluster, createRandom(1), () => {});
  const figures: Summaries = {
    reload: new Histogram(),
    resume: new Histogram(),
    cancel: new Histogram(),
    takeover: new Histogram(),
    drain: new Histogram(),
  };
  try {
    await reloads(stage, figures, times);
    await cancels(stage, figures, Math.ceil(times / 2));
    await moves(stage, figures, 'drain', times);
    await moves(stage, figures, 'takeover', times);
    return {
      reload: figures.reload.summary(),
      resume: figures.resume.summary(),
      cancel: figures.cancel.summary(),
      takeover: figures.takeover.summary(),
      drain: figures.drain.summary(),
    };
  } finally {
    stage.closeViewers();
    await cluster.close();
    await cluster.removeLogs();
  }
};
