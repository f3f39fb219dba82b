import { randomUUID } from 'node:crypto';
import { INTERNAL_TOKEN } from '../../harness/processes/cluster.ts';
import { call, prompt } from '../../harness/commands.ts';
import type { Random } from '../../harness/random.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { NEWER_WAYS } from '../../harness/viewers/newer-ways.ts';
import { Stranger } from '../../harness/viewers/stranger.ts';
import type { Target } from '../../harness/viewers/way-in.ts';
import { WAYS_IN } from '../../harness/viewers/ways-in.ts';
import { waitFor } from '../../harness/wait.ts';

/** Removes a conversation's keys from Redis; `all`: also what outlives the day of a conversation (a store that lost everything). */
const FORGET = `
for _, key in ipairs(redis.call('KEYS', '*' .. ARGV[1] .. '*')) do
  if ARGV[2] == 'all' or not string.find(key, 'chat:owner', 1, true) then redis.call('DEL', key) end
end
return 1`;

type State = 'unborn' | 'live' | 'ended' | 'idle for a day' | 'lost by Redis' | 'deleted' | 'made again';
const STATES: readonly State[] = ['unborn', 'live', 'ended', 'idle for a day', 'lost by Redis', 'deleted', 'made again'];

/** The owner of one conversation, whose every prompt carries a secret nobody else may ever be sent. */
class Owner {
  readonly userId: string;
  readonly secret = `secret-${randomUUID()}`;
  readonly target: Target;
  readonly #stage: Stage;

  constructor(stage: Stage, userId: string) {
    this.#stage = stage;
    this.userId = userId;
    this.target = { conversationId: stage.newConversation(), messageIds: [], runIds: [] };
  }

  /** One turn; waits for the end of its answer unless told not to. */
  async say({ words = 3, wait = true } = {}): Promise<void> {
    const { conversationId } = this.target;
    const ids = { messageId: randomUUID(), runId: randomUUID() };
    this.target.messageIds.push(ids.messageId, ids.runId);
    this.target.runIds.push(ids.runId);
    // `count` answers what it does not understand with a help text, so the secret rides in the first prompt of a turn of two.
    const answer = await prompt(this.#stage.origin, { conversationId, userId: this.userId, text: `${this.secret} ${words}`, ...ids });
    if (answer.status !== 202) throw new Error(`the owner's prompt was answered ${answer.status} ${answer.code}`);
    if (wait) await this.answered(ids.runId);
  }

  async answered(runId: string): Promise<void> {
    await waitFor(async () => (await this.#history(this.#stage.origin())).includes(`"${runId}"`), {
      deadlineMs: 15_000,
      everyMs: 50,
      what: `the answer ${runId} in its owner's history`,
    });
  }

  /** The audit has every turn, so that Redis may forget the conversation. */
  async stored(): Promise<void> {
    const audit = this.#stage.cluster.audit!;
    const last = this.target.runIds.at(-1)!;
    await waitFor(
      async () => {
        const headers = { 'x-runnel-user': this.userId, authorization: `Bearer ${INTERNAL_TOKEN}` };
        const response = await fetch(`${audit.url}/history/${this.target.conversationId}?limit=100`, { headers });
        return response.status === 200 && (await response.text()).includes(`"${last}"`);
      },
      { deadlineMs: 20_000, everyMs: 100, what: 'the audit to have the conversation' },
    );
  }

  async forget(how: 'day' | 'all'): Promise<void> {
    await this.stored();
    await this.#stage.cluster.redis.cli('EVAL', FORGET, '0', this.target.conversationId, how);
  }

  async delete(): Promise<void> {
    const answer = await call('DELETE', `${this.#stage.origin()}/api/history/${this.target.conversationId}?user_id=${this.userId}`);
    if (answer.status !== 204) throw new Error(`deleting was answered ${answer.status} ${answer.code}`);
    this.target.messageIds.length = 0;
    this.target.runIds.length = 0;
  }

  async #history(origin: string): Promise<string> {
    const response = await fetch(`${origin}/api/history/${this.target.conversationId}?limit=100&user_id=${this.userId}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`the owner's history answered ${response.status} ${text.slice(0, 200)}`);
    return text;
  }

  /** Everything the owner said and was answered is there, on every gateway. */
  async hasEverything(): Promise<void> {
    const { messageIds } = this.target;
    // Nothing is kept of what was deleted, so there is nothing to ask for.
    if (messageIds.length === 0) return;
    for (const gateway of this.#stage.cluster.liveGateways()) {
      await waitFor(
        async () => {
          const text = await this.#history(gateway.url);
          const missing = messageIds.filter((id) => !text.includes(`"messageId":"${id}"`));
          if (missing.length > 0) throw new Error(`the owner misses ${missing.length} of ${messageIds.length} messages`);
          return true;
        },
        { deadlineMs: 15_000, everyMs: 100, what: `the owner's history on ${gateway.name}` },
      );
    }
  }
}

/** Brings a new conversation of the owner into a state; `before` is what strangers do while nothing is there. */
const bringTo = async (stage: Stage, state: State, before: (owner: Owner) => Promise<void>): Promise<Owner> => {
  const owner = new Owner(stage, 'ann');
  await before(owner);
  if (state === 'unborn') return owner;
  await owner.say();
  if (state === 'live') await owner.say({ wait: false });
  if (state === 'idle for a day') await owner.forget('day');
  if (state === 'lost by Redis') await owner.forget('all');
  if (state === 'deleted' || state === 'made again') await owner.delete();
  if (state === 'made again') await owner.say();
  return owner;
};

const shuffled = <T>(random: Random, items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

export const strangerScenarios: Scenario[] = [
  {
    name: 'trust-strangers-at-every-door',
    promise: 'S-1 S-3 B1 B2 W-11',
    cluster: { gateways: 2, ai: 1, audit: true },
    deadlineMs: 150_000,
    run: async (stage) => {
      let tried = 0;
      for (const state of shuffled(stage.random, STATES)) {
        const stranger = new Stranger(`bob-${stage.random.between(1, 1e6)}`, stage.origin, stage.random.fork());
        const standing = WAYS_IN.filter(({ name }) => name === 'follow' || name.startsWith('event stream'));
        const owner = await bringTo(stage, state, async ({ target }) => {
          for (const way of standing) await way.enter(stranger, target);
        });
        const answers: string[] = [];
        // Where the owner has made nothing, or has deleted it, the id may be anybody's: no door that would make it.
        const free = state === 'unborn' || state === 'deleted';
        for (const way of shuffled(stage.random, WAYS_IN)) {
          if (free && way.makes) continue;
          tried++;
          const answer = await way.enter(stranger, owner.target);
          answers.push(`${way.name}: ${answer}`);
          // What these show of somebody else's need not be its secret: nothing at all is shown.
          const isRefused = /^(400|403|404) |"code":"(forbidden|not-found)"/.test(answer) || way.name === 'export';
          if (!free && NEWER_WAYS.includes(way) && !isRefused)
            throw new Error(`${state}: ${way.name} answered a stranger ${answer.slice(0, 300)}`);
        }
        if (state === 'unborn') await owner.say();
        const leak = [...answers, ...stranger.heard].find((text) => text.includes(owner.secret));
        if (leak !== undefined) throw new Error(`${state}: a stranger was sent the owner's words: ${leak.slice(0, 300)}`);
        if (stranger.logEvents.length > 0) throw new Error(`${state}: a stranger was sent ${stranger.logEvents[0]!.slice(0, 300)}`);
        for (const runId of owner.target.runIds) await owner.answered(runId);
        await owner.hasEverything();
        stranger.leave();
      }
      stage.note(`${tried} tries, ${STATES.length} states`);
    },
  },
  {
    name: 'trust-impostor-while-the-audit-is-away',
    promise: 'S-1 B2 P-10 P-9',
    cluster: { gateways: 2, ai: 1, audit: true },
    deadlineMs: 120_000,
    run: async (stage) => {
      const audit = stage.cluster.audit!;
      for (const how of ['paused', 'killed'] as const) {
        const owner = new Owner(stage, 'ann');
        await owner.say();
        await owner.forget('all');
        if (how === 'paused') audit.pause();
        else await audit.kill();
        const stranger = new Stranger('mallory', stage.origin, stage.random.fork());
        const { conversationId } = owner.target;
        const body = { conversationId, messageId: randomUUID(), text: 'count 3 at 100' };
        const asked = performance.now();
        const first = await stranger.http('POST', '/api/chat', body);
        const ms = performance.now() - asked;
        // P-10: nobody can know whose it is, so it is accepted; a gateway that still remembers the owner may refuse it.
        if (!/^(202|403) /.test(first)) throw new Error(`P-10: with the audit ${how} a prompt was answered ${first.slice(0, 200)}`);
        if (ms > 1_000) throw new Error(`P-10: the prompt waited ${Math.round(ms)} ms for an audit that is ${how}`);
        await stranger.frame({ type: 'follow', conversationId }, { stay: true });
        if (how === 'paused') audit.resume();
        else await audit.start();
        await owner.hasEverything();
        for (const way of WAYS_IN) await way.enter(stranger, owner.target);
        await waitFor(
          async () => {
            const answers = [];
            for (const gateway of stage.cluster.liveGateways()) {
              answers.push((await fetch(`${gateway.url}/api/history/${conversationId}?user_id=mallory`)).status);
            }
            return answers.every((status) => status === 403);
          },
          { deadlineMs: 20_000, everyMs: 200, what: 'every gateway to refuse the impostor' },
        );
        const leak = stranger.heard.find((text) => text.includes(owner.secret));
        if (leak !== undefined) throw new Error(`the impostor was sent the owner's words: ${leak.slice(0, 300)}`);
        await owner.hasEverything();
        await owner.say();
        await owner.hasEverything();
        stage.note(`${how}: ${first.slice(0, 3)} after ${Math.round(ms)} ms`);
        stranger.leave();
      }
    },
  },
];
