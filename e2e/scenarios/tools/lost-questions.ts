import { partsOf, type Shown } from '../../harness/parts.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { verify } from '../audit/heals.ts';
import { Forgetting } from './forgotten.ts';
import { isEnded, look, prove, toTheEnd, TOOLS, WORDS } from './play.ts';

const DRAWS = Number(process.env['TOOL_DRAWS'] ?? 4);

/** The last that the replica hears of, in an answer whose question everybody else sees. */
const LAST = ['the prompt', 'some text', 'a part', 'a call that was made'] as const;
const REACHED: Readonly<Record<(typeof LAST)[number], (shown: Shown, run: ExpectedRun) => boolean>> = {
  'the prompt': () => true,
  'some text': ({ run }) => (run?.text.length ?? 0) > 8,
  'a part': (shown, { runId }) => partsOf(shown, runId).length > 0,
  'a call that was made': (shown, { runId }) => partsOf(shown, runId).some(({ name, state }) => name === 'do' && state === 'done'),
};

/** What a person sees of an answer that asks. */
const questionOf = async (stage: Stage, run: ExpectedRun, deadlineMs: number): Promise<string> => {
  const shown = await waitFor(
    async () => {
      const seen = await look(stage, run);
      return seen.run?.waiting !== undefined || isEnded(seen, run) ? seen : undefined;
    },
    { deadlineMs, everyMs: 50, what: `the question of ${run.runId}` },
  );
  const ended = shown.messages.find(({ messageId }) => messageId === run.runId);
  if (ended) throw new Error(`W-17: the answer that asked is ${ended.status}`);
  const asking = shown.run!;
  return JSON.stringify([asking.text, asking.waiting, asking.parts]);
};

const draw = async (stage: Stage, redis: Forgetting, last: (typeof LAST)[number]): Promise<void> => {
  const { ai } = stage.cluster;
  const tools = stage.cluster.tools!;
  const from = tools.executions.length;
  const replica = await redis.replica();
  const conversationId = stage.newConversation();
  stage.watch(conversationId);
  stage.watchBySse(conversationId);
  const run = await stage.startRun({ conversationId, words: WORDS, rate: 20, use: TOOLS });
  await waitFor(async () => REACHED[last](await look(stage, run), run), { deadlineMs: 15_000, everyMs: 5, what: last });
  replica.lag();
  const before = await questionOf(stage, run, 15_000);
  const killed = stage.random.pick([true, false]);
  if (killed) await Promise.all(ai.map((pod) => pod.kill()));
  await redis.promote(replica);
  await elapse(stage.random.between(0, 1_000));
  if (killed) await Promise.all(ai.map((pod) => pod.start()));
  const after = await questionOf(stage, run, 25_000);
  if (after !== before) throw new Error(`W-17: it asks something else after ${last}:\n${before}\n${after}`);
  await toTheEnd(stage, run);
  await stage.ended(run);
  const mine = tools.executions.slice(from);
  await prove(stage, run, mine);
  if (mine.length !== TOOLS.length) throw new Error(`W-19: ${mine.length} executions of ${TOOLS.length} calls`);
  stage.note(`${last}, ${killed ? 'every AI pod killed' : 'nobody killed'}: asked once more, the same`);
};

export const lostQuestionScenarios: Scenario[] = [
  {
    name: 'redis-failover-behind-a-question',
    promise: 'P-1 P-2 W-16 W-17 W-18 W-19 L-6',
    cluster: { tools: true, audit: true, proxied: true },
    deadlineMs: 30_000 + DRAWS * 60_000,
    run: async (stage) => {
      const redis = new Forgetting(stage);
      const first = stage.random.between(0, LAST.length - 1);
      try {
        for (let n = 0; n < DRAWS; n++) await draw(stage, redis, LAST[(first + n) % LAST.length]!);
        stage.note(`verify: ${await verify(stage)}`);
        await stage.settle();
      } finally {
        await redis.close();
      }
    },
  },
];
