import { createHash } from 'node:crypto';
import { cancel, history } from '../../harness/commands.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import { startStaleBalancer } from '../../harness/processes/stale-balancer.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse, waitFor, within } from '../../harness/wait.ts';

/** The longest answer takes 20 s of them; a reader that never ends is named before the scenario's own deadline is over. */
const READ_MS = 60_000;

/** How the clients of one dialect read an answer: each form is one of its own transports, unmodified. */
export interface DialectForm {
  name: string;
  /** Follows the run to its end, over whatever happens, and resolves to the text it holds then. `reloads`: forgets all and begins again now and then. */
  read(stage: Stage, run: ExpectedRun, options: { reloads: boolean }): Promise<string>;
}

/** A `fetch` that goes where a balancer would send it: to a gateway that lives. */
export const balancedFetch =
  (stage: Stage): typeof fetch =>
  async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const origin = new URL(stage.origin());
    url.host = origin.host;
    return fetch(input instanceof Request ? new Request(url, input) : url, init);
  };

/** P-1: each reader holds what the log has, which its own digest says. */
const compare = async (stage: Stage, run: ExpectedRun, texts: readonly { name: string; text: string }[]): Promise<void> => {
  const { conversationId, runId } = run;
  const viewer = stage.watch(conversationId);
  await viewer.screen.until(() => viewer.screen.finished.has(runId), 10_000, 'the end');
  const finished = viewer.screen.finished.get(runId)!;
  const stored = await waitFor(
    async () => (await history(stage.origin(), conversationId, stage.userId)).find((m) => m.messageId === runId),
    {
      deadlineMs: 5_000,
      what: 'the answer in history',
    },
  );
  const digest = createHash('sha256').update(stored.text).digest('hex');
  if (finished.sha256 !== null && finished.sha256 !== digest) throw new Error('P-1: history and digest differ');
  for (const { name, text } of texts)
    if (text !== stored.text) throw new Error(`P-1: ${name} holds ${text.length} of ${stored.text.length} characters: …${text.slice(-80)}`);
};

const readAll = (stage: Stage, run: ExpectedRun, forms: readonly DialectForm[]): Promise<{ name: string; text: string }[]> =>
  Promise.all(
    forms.flatMap((form) =>
      [false, false, true].map(async (reloads, tab) => {
        const name = `${form.name}, tab ${tab}${reloads ? ' with reloads' : ''}`;
        return { name, text: await within(form.read(stage, run, { reloads }), READ_MS, `the answer to end in ${name}`) };
      }),
    ),
  );

/** Lets the clients read through a balancer that sends half of them to a dead node, and the others on a way on which they stop again and again. */
export const throughStaleBalancer = async (stage: Stage, read: () => Promise<void>): Promise<void> => {
  const { gateways } = stage.cluster;
  let turn = 0;
  const balancer = await startStaleBalancer(() => gateways[turn++ % gateways.length]!.url, stage.random.fork());
  stage.entry = balancer.next;
  try {
    await read();
  } finally {
    stage.entry = null;
    await balancer.close();
  }
  const { refused, reset, slow } = balancer.taken;
  stage.note(`a stale balancer refused ${refused}, reset ${reset}, stuttered ${slow}`);
  if (Math.min(refused, reset, slow) === 0) throw new Error('not every way of the balancer was taken');
};

/** These clients write each broken connection to the console, and there are many. */
const quietly = async (work: () => Promise<void>): Promise<void> => {
  const { error } = console;
  console.error = () => undefined;
  try {
    await work();
  } finally {
    console.error = error;
  }
};

/**
 * Each form through a killed AI pod, a killed gateway, a drain and reloads, in two tabs; then through a store that forgot everything; then,
 * through a balancer with a dead node and slow ways, an answer that somebody cancels elsewhere.
 */
export const dialectScenario = (dialect: string, forms: readonly DialectForm[]): Scenario => ({
  name: `dialect-${dialect}`,
  promise: 'P-1 P-2 P-4 P-5',
  cluster: { gateways: 2 },
  deadlineMs: 120_000,
  run: (stage) =>
    quietly(async () => {
      const { gateways } = stage.cluster;
      const run = await stage.startRun({ words: 700, rate: 100 });
      const reading = readAll(stage, run, forms);
      reading.catch(() => undefined);
      await elapse(700);
      const owner = await stage.ownerOf(run);
      await owner.kill();
      await owner.start();
      await elapse(300);
      await gateways[0]!.kill();
      await elapse(stage.random.between(100, 600));
      await gateways[0]!.start();
      await gateways[1]!.terminate();
      await gateways[1]!.start();
      await compare(stage, run, await reading);

      const lost = await stage.startRun({ words: 300, rate: 100 });
      const through = readAll(stage, lost, forms);
      through.catch(() => undefined);
      await elapse(stage.random.between(400, 1_500));
      await stage.cluster.redis.restartEmpty();
      await compare(stage, lost, await through);

      const stopped = await stage.startRun({ words: 2_000, rate: 100, endings: ['cancelled'] });
      let texts: { name: string; text: string }[] = [];
      await throughStaleBalancer(stage, async () => {
        const half = readAll(stage, stopped, forms);
        half.catch(() => undefined);
        await elapse(stage.random.between(500, 1_500));
        const outcome = await cancel(gateways[1]!.url, { ...stopped, userId: stage.userId });
        if (outcome.status !== 200) throw new Error(`P-5: the cancel was answered ${outcome.status}`);
        texts = await half;
      });
      await compare(stage, stopped, texts);
      stage.note(`${forms.map(({ name }) => name).join(', ')}: three tabs each, one reloading`);
      await stage.settle();
    }),
});
