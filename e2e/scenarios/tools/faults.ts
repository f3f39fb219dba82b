import { cancel } from '../../harness/commands.ts';
import { partsOf, type Shown, type ToolPart } from '../../harness/parts.ts';
import type { Execution } from '../../harness/processes/tool-server.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { approveAll, isEnded, look, prove, toTheEnd, TOOLS, WORDS } from './play.ts';

const DRAWS = Number(process.env['TOOL_DRAWS'] ?? 4);

/** Where in an answer a fault strikes. */
const STATES = ['input', 'waiting', 'approved', 'running', 'stored', 'next'] as const;
const FAULTS = ['ai killed', 'ai paused', 'ai drained', 'gateway killed'] as const;
type State = (typeof STATES)[number];
type Fault = (typeof FAULTS)[number];

/** How long a call is held back when the fault strikes in it. */
const HELD_MS = 500;

const REACHED: Readonly<Record<State, (shown: Shown, parts: readonly ToolPart[], executions: readonly Execution[]) => boolean>> = {
  input: (_shown, parts) => parts.some(({ state }) => state === 'input'),
  waiting: ({ run }) => run?.waiting !== undefined,
  approved: ({ run }) => run?.waiting !== undefined,
  running: (_shown, parts, executions) => executions.length > 0 && parts.some(({ state }) => state === 'running'),
  stored: (_shown, parts) => parts.some(({ state, name }) => state === 'done' && name === 'act'),
  next: ({ run }) => (run?.text.length ?? 0) > WORDS * 8,
};

const strike = async (stage: Stage, run: ExpectedRun, fault: Fault): Promise<void> => {
  const { ai, gateways } = stage.cluster;
  // A run that waits has no owner: then it is any pod.
  const owner = await stage.ownerOf(run).catch(() => stage.random.pick(ai));
  switch (fault) {
    case 'ai killed':
      await owner.kill();
      return owner.start();
    case 'ai paused':
      owner.pause();
      await elapse(4_000);
      return owner.resume();
    case 'ai drained':
      await owner.terminate();
      return owner.start();
    case 'gateway killed': {
      const victim = stage.random.pick(gateways);
      await victim.kill();
      return victim.start();
    }
  }
};

const draw = async (stage: Stage, state: State, fault: Fault): Promise<void> => {
  const { tools } = stage.cluster;
  const from = tools!.executions.length;
  const mine = (): Execution[] => tools!.executions.slice(from);
  const conversationId = stage.newConversation();
  stage.watch(conversationId);
  stage.watchBySse(conversationId);
  if (state === 'running') tools!.hold();
  const run = await stage.startRun({ conversationId, words: WORDS, rate: 20, use: TOOLS });
  let isStruck = false;
  const struck = waitFor(
    async () => {
      const shown = await look(stage, run);
      return isEnded(shown, run) || REACHED[state](shown, partsOf(shown, run.runId), mine());
    },
    { deadlineMs: 15_000, everyMs: 20, what: `the state ${state}` },
  ).then(async () => {
    if (state === 'approved') await approveAll(stage, run);
    const striking = strike(stage, run, fault);
    await elapse(HELD_MS);
    tools!.release();
    await striking;
    isStruck = true;
  });
  // Somebody has to decide before what comes after a decision can be reached.
  const needs = state === 'stored' || state === 'next';
  await (needs ? Promise.all([struck, toTheEnd(stage, run)]) : struck.then(() => toTheEnd(stage, run)));
  if (!isStruck) throw new Error('nothing was struck');
  await stage.ended(run);
  await prove(stage, run, mine());
  stage.note(`${state}, ${fault}: ${mine().length} calls, ${mine().filter(({ attempt }) => attempt > 1).length} repeated`);
};

export const toolFaultScenarios: Scenario[] = [
  {
    name: 'tools-through-faults',
    promise: 'P-1 P-2 W-16 W-17 W-18 W-19',
    cluster: { tools: true },
    deadlineMs: 30_000 + DRAWS * 45_000,
    run: async (stage) => {
      for (let n = 0; n < DRAWS; n++) await draw(stage, stage.random.pick(STATES), stage.random.pick(FAULTS));
      await stage.settle();
    },
  },
  {
    name: 'tools-cancelled-in-every-state',
    promise: 'P-1 P-2 P-5 W-20',
    cluster: { tools: true },
    deadlineMs: 90_000,
    run: async (stage) => {
      const { tools } = stage.cluster;
      for (const state of ['input', 'waiting', 'running', 'next'] as const) {
        const from = tools!.executions.length;
        const conversationId = stage.newConversation();
        stage.watch(conversationId);
        if (state === 'running') tools!.hold();
        const run = await stage.startRun({
          conversationId,
          words: WORDS,
          rate: 20,
          use: state === 'next' ? ['do'] : TOOLS,
          endings: ['cancelled'],
        });
        await waitFor(
          async () => {
            const shown = await look(stage, run);
            return REACHED[state](shown, partsOf(shown, run.runId), tools!.executions.slice(from));
          },
          { deadlineMs: 15_000, everyMs: 20, what: `the state ${state}` },
        );
        await cancel(stage.origin(), { conversationId, runId: run.runId, userId: stage.userId });
        await stage.ended(run, 5_000);
        tools!.release();
        const states = partsOf(await look(stage, run), run.runId).map(({ name, state: last, error }) => `${name} ${error?.code ?? last}`);
        const wrong = states.filter((word) => !/ (done|unknown|cancelled)$/.test(word));
        if (wrong.length > 0) throw new Error(`W-20: after a cancel while ${state}: ${states.join()}`);
        stage.note(`${state}: ${states.join(', ')}`);
      }
      await stage.settle();
    },
  },
];
