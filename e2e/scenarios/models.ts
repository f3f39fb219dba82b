import { cancel } from '../harness/commands.ts';
import type { Scenario } from '../harness/scenario.ts';
import { elapse } from '../harness/wait.ts';

/** Nobody listens there. */
const AWAY = { provider: 'openai-compatible', baseURL: 'http://127.0.0.1:9/v1' };

export const modelScenarios: Scenario[] = [
  {
    name: 'model-fails',
    promise: 'P-1 P-2',
    run: async (stage) => {
      const run = await stage.startRun({ words: 200, rate: 200, fault: 'fail 60', endings: ['failed'] });
      stage.watch(run.conversationId);
      stage.watchBySse(run.conversationId);
      await stage.ended(run);
      const { text } = stage.viewers[0]!.screen.finished.get(run.runId)!;
      if (text.length !== 60 * 8 - 1) throw new Error(`the partial text has ${text.length} bytes, not ${60 * 8 - 1}`);
      // The conversation goes on after a failure.
      await stage.startRun({ conversationId: run.conversationId, words: 20 });
      await stage.settle();
    },
  },
  {
    name: 'model-hangs-then-cancelled',
    promise: 'P-1 P-2 P-5',
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      const run = await stage.startRun({ conversationId, words: 100, rate: 200, fault: 'hang 40', endings: ['cancelled'] });
      await stage.shown(run, 40);
      await cancel(stage.origin(), { conversationId, runId: run.runId, userId: stage.userId });
      await stage.settle();
    },
  },
  {
    name: 'model-with-letters-of-many-bytes',
    promise: 'P-1 P-2 W-9',
    cluster: { fakeModel: true, proxied: true },
    run: async (stage) => {
      const conversationId = stage.newConversation();
      const viewers = [
        stage.watch(conversationId),
        stage.watchBySse(conversationId),
        stage.watch(conversationId),
        stage.watchBySse(conversationId),
      ];
      const run = await stage.startRun({ conversationId, words: 500, rate: 137, fake: 'accents' });
      const { screen } = viewers[0]!;
      while (!screen.finished.has(run.runId)) {
        stage.random.pick(viewers).reload({ cursor: stage.random.chance(0.5) });
        stage.random.pick(viewers).stall();
        if (stage.random.chance(0.2)) stage.random.pick(stage.cluster.wires.all).cut();
        await elapse(stage.random.between(20, 200));
        viewers.forEach((viewer) => viewer.unstall());
      }
      await stage.settle();
    },
  },
  {
    name: 'model-that-cannot-continue',
    promise: 'P-1 P-2 P-4',
    cluster: { fakeModel: true },
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      stage.watchBySse(conversationId);
      const run = await stage.startRun({ conversationId, words: 300, rate: 100, fake: true });
      await stage.shown(run, 50);
      await (await stage.ownerOf(run)).kill();
      const { screen } = stage.viewers[0]!;
      await screen.until(() => screen.stats.restarts > 0, 6_000, 'the answer to start again');
      await stage.settle();
    },
  },
  {
    name: 'model-that-cannot-continue-finishes-in-a-drain',
    promise: 'P-1 P-2 P-4',
    cluster: { fakeModel: true },
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      const run = await stage.startRun({ conversationId, words: 300, rate: 100, fake: true });
      await stage.shown(run, 50);
      const code = await (await stage.ownerOf(run)).terminate();
      await stage.settle();
      const { restarts, moves } = stage.viewers[0]!.screen.stats;
      stage.note(`exit code ${code}, ${moves} moves, ${restarts} restarts`);
      if (restarts > 0) throw new Error('a quick answer was started again although its pod could have finished it');
    },
  },
  {
    name: 'model-that-is-away-is-replaced',
    promise: 'P-1 P-2 P-4',
    cluster: {
      aiEnv: {
        MODELS: JSON.stringify([
          { id: 'first', ...AWAY, fallback: ['second', 'count'] },
          { id: 'second', ...AWAY },
          { id: 'count', provider: 'count' },
        ]),
      },
    },
    run: async (stage) => {
      const conversationId = stage.newConversation();
      const viewers = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      const run = await stage.startRun({ conversationId, words: 200, rate: 100, model: 'first' });
      await stage.shown(run, 40);
      await (await stage.ownerOf(run)).kill();
      await stage.settle();
      for (const { screen } of viewers)
        if (screen.model !== 'count') throw new Error(`said to be from ${screen.model}, not from the model that answered`);
    },
  },
];
