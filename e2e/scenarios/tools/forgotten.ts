import type { TestRedis } from '@runnel/coordination/testing';
import { partsOf, type Shown, type ToolPart } from '../../harness/parts.ts';
import { startReplica, type Replica } from '../../harness/processes/replica.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { approveAll, isEnded, look, prove, toTheEnd, TOOLS, WORDS } from './play.ts';

const DRAWS = Number(process.env['TOOL_DRAWS'] ?? 3);

/** Where in an answer the store forgets. */
const STATES = ['ready', 'waiting', 'approved', 'running', 'stored'] as const;
const FAULTS = ['redis emptied', 'redis failed over', 'the database alone'] as const;
type State = (typeof STATES)[number];
type Fault = (typeof FAULTS)[number];

const actOf = (shown: Shown, run: ExpectedRun): ToolPart | undefined => partsOf(shown, run.runId).find(({ name }) => name === 'act');
const REACHED: Readonly<Record<State, (shown: Shown, act: ToolPart | undefined) => boolean>> = {
  ready: (_shown, act) => act !== undefined && act.state !== 'input',
  waiting: ({ run }) => run?.waiting !== undefined,
  approved: ({ run }) => run?.waiting !== undefined,
  running: (_shown, act) => act?.state === 'running',
  stored: (_shown, act) => act?.state === 'done',
};

/** A cluster whose Redis changes under it. */
export class Forgetting {
  readonly #stage: Stage;
  store: TestRedis;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.store = stage.cluster.redis.nodes[0]!;
  }

  /** A replica that follows from now on, until it lags. */
  async replica(): Promise<Replica> {
    const replica = await startReplica(this.store);
    this.#closing.push(async () => replica[Symbol.asyncDispose]());
    return replica;
  }

  /** The replica is the store from now on. */
  async promote({ redis }: Replica): Promise<void> {
    await this.#stage.promote(redis, this.store);
    this.store = redis;
  }

  /** One that was promoted comes back with the arguments of a replica. */
  async empty(): Promise<void> {
    await this.store.restartEmpty();
    await this.store.cli('REPLICAOF', 'NO', 'ONE');
  }

  /** Every AI pod dies, the database hears of what they did, and nothing else remembers. */
  async onlyDatabase(): Promise<void> {
    const { ai, gateways } = this.#stage.cluster;
    await Promise.all(ai.map((pod) => pod.kill()));
    await waitFor(async () => Number(await this.store.cli('EVAL', BACKLOG, '0')) === 0, { deadlineMs: 10_000, what: 'an empty outbox' });
    await Promise.all(gateways.map((pod) => pod.kill()));
    await this.empty();
    await Promise.all([...gateways, ...ai].map((pod) => pod.start()));
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }
}

const BACKLOG = `
local left = 0
for _, key in ipairs(redis.call('KEYS', 'events:{*}')) do left = left + redis.call('XLEN', key) end
return left`;

/** An answer that nobody was asked about yet lies in Redis and with its owner: with both gone there is nothing to go on with (P-1's limit). */
const cell = ({ random }: Stage): [State, Fault] => {
  const [state, fault] = [random.pick(STATES), random.pick(FAULTS)];
  return state === 'ready' && fault === 'the database alone' ? [state, 'redis emptied'] : [state, fault];
};

const draw = async (stage: Stage, redis: Forgetting, state: State, fault: Fault): Promise<void> => {
  const tools = stage.cluster.tools!;
  const from = tools.executions.length;
  const replica = fault === 'redis failed over' ? await redis.replica() : null;
  const conversationId = stage.newConversation();
  stage.watch(conversationId);
  stage.watchBySse(conversationId);
  const run = await stage.startRun({ conversationId, words: WORDS, rate: 20, use: TOOLS });
  const reach = (wanted: State) =>
    waitFor(
      async () => {
        const shown = await look(stage, run);
        return isEnded(shown, run) || REACHED[wanted](shown, actOf(shown, run));
      },
      { deadlineMs: 15_000, everyMs: 20, what: `the state ${wanted}` },
    );
  await reach(state === 'ready' ? 'ready' : 'waiting');
  // What comes after it, a replica does not get.
  replica?.lag();
  if (state === 'running') tools.hold();
  if (state !== 'ready' && state !== 'waiting') await approveAll(stage, run);
  if (state === 'running' || state === 'stored') await reach(state);
  if (replica) await redis.promote(replica);
  else if (fault === 'redis emptied') await redis.empty();
  else await redis.onlyDatabase();
  await elapse(500);
  tools.release();
  await toTheEnd(stage, run);
  await stage.ended(run);
  const mine = tools.executions.slice(from);
  await prove(stage, run, mine);
  stage.note(`${state}, ${fault}: ${mine.length} calls, ${mine.filter(({ attempt }) => attempt > 1).length} repeated`);
};

export const forgottenToolScenarios: Scenario[] = [
  {
    name: 'tools-through-a-store-that-forgot',
    promise: 'P-1 P-2 W-16 W-17 W-18 W-19 L-6',
    cluster: { tools: true, audit: true, proxied: true },
    deadlineMs: 30_000 + DRAWS * 60_000,
    run: async (stage) => {
      const redis = new Forgetting(stage);
      try {
        for (let n = 0; n < DRAWS; n++) await draw(stage, redis, ...cell(stage));
        await stage.settle();
      } finally {
        await redis.close();
      }
    },
  },
];
