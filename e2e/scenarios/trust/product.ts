import { randomUUID } from 'node:crypto';
import type { Random } from '../../harness/random.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { Stranger } from '../../harness/viewers/stranger.ts';
import { waitFor } from '../../harness/wait.ts';

const STEPS = 60;

/** A person who only uses the product, with the same few ids again and again, and what happens to the store meanwhile. */
class Person {
  readonly conversations: readonly string[];
  readonly #messages = new Map<string, string[]>();
  readonly #who: Stranger;
  readonly #random: Random;
  readonly #stage: Stage;
  readonly done: string[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#random = stage.random;
    this.#who = new Stranger('ann', stage.origin, stage.random.fork());
    this.conversations = [stage.newConversation(), stage.newConversation()];
  }

  http(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<string> {
    return this.#who.http(method, path, body, headers);
  }

  /** Does one thing and waits for it to be over. */
  async step(): Promise<void> {
    const random = this.#random;
    const conversationId = random.pick(this.conversations);
    const ids = this.#messages.get(conversationId) ?? [];
    const text = `count ${random.between(1, 40)} at 400${random.chance(0.15) ? ' fail 1' : ''}`;
    const turn = (extra: object): Promise<string> => {
      // Ids come from a small set, so that they are used again after a deletion.
      const messageId = `m${random.between(1, 12)}`;
      ids.push(messageId);
      this.#messages.set(conversationId, ids);
      return this.http('POST', '/api/chat', { conversationId, messageId, runId: `r${random.between(1, 12)}`, text, ...extra });
    };
    const one = (): string => (ids.length > 0 ? random.pick(ids) : 'none');
    const actions: Record<string, () => Promise<string>> = {
      prompt: () => turn({}),
      'prompt again': () => turn({ parentId: null }),
      edit: () => turn({ parentId: one() }),
      regenerate: () => this.http('POST', '/api/regenerate', { conversationId, parentId: one(), runId: randomUUID() }),
      cancel: async () => {
        const answer = JSON.parse((await turn({ text: 'count 400 at 200' })).slice(4)) as { runId?: string };
        return this.http('POST', '/api/cancel', { conversationId, runId: answer.runId ?? 'r1' });
      },
      rename: () => this.http('PATCH', `/api/conversations/${conversationId}`, { title: `title ${random.between(1, 99)}` }),
      'delete a message': () => this.http('DELETE', `/api/history/${conversationId}/${one()}`),
      delete: () => this.http('DELETE', `/api/history/${conversationId}`),
      OpenAI: () =>
        this.http(
          'POST',
          '/v1/chat/completions',
          { model: 'count', messages: [{ role: 'user', content: text }] },
          { 'idempotency-key': `key-${random.between(1, 3)}` },
        ),
      'a day passes': async () => {
        await this.#stage.cluster.redis.cli('EVAL', DAY, '0', conversationId);
        return 'idle';
      },
    };
    // A store that lost everything is rare, and forgets what the audit has not read yet.
    const name = random.pick([...Object.keys(actions), 'prompt', 'prompt', 'edit', 'regenerate']);
    const answer = await actions[name]!();
    if (/^5/.test(answer) && !answer.startsWith('502')) throw new Error(`${name} was answered ${answer.slice(0, 200)}`);
    this.done.push(`${name} ${answer.slice(0, 3)}`);
    await this.#quiet();
  }

  /** No answer is being written: what is compared with the trail stands still. */
  async #quiet(): Promise<void> {
    await waitFor(async () => String(await this.#stage.cluster.redis.cli('EVAL', RUNNING, '0')) === '0', {
      deadlineMs: 10_000,
      what: 'all answers to end',
    });
  }

  leave(): void {
    this.#who.leave();
  }
}

const RUNNING = `
local running = 0
for _, key in ipairs(redis.call('KEYS', 'chat:meta:*')) do
  if redis.call('HGET', key, 'active') then running = running + 1 end
end
return running`;

/** What expires a day after the last change. Everything of it was relayed long before; the outbox stays. */
const DAY = `
for _, pattern in ipairs({'chat:', 'session:', 'streaming:'}) do
  for _, key in ipairs(redis.call('KEYS', pattern .. '*' .. ARGV[1] .. '*')) do
    if not string.find(key, 'chat:owner', 1, true) then redis.call('DEL', key) end
  end
end
return 1`;

const OUTBOX = `
local waiting = 0
for shard = 0, 63 do waiting = waiting + redis.call('XLEN', 'events:{' .. shard .. '}') end
return waiting`;

export const productScenarios: Scenario[] = [
  {
    name: 'trust-whoever-only-used-the-product',
    promise: 'B8 P-9 W-4',
    cluster: { gateways: 2, ai: 1, audit: true },
    deadlineMs: 150_000,
    run: async (stage) => {
      const person = new Person(stage);
      for (let i = 0; i < STEPS; i++) await person.step();
      const { redis } = stage.cluster;
      await waitFor(async () => String(await redis.cli('EVAL', OUTBOX, '0')) === '0', { deadlineMs: 20_000, what: 'an empty outbox' });
      for (const conversationId of person.conversations) {
        const answer = await person.http('GET', `/api/conversations/${conversationId}/verify`);
        if (answer.startsWith('404')) continue;
        const { problems } = JSON.parse(answer.slice(4)) as { problems?: string[] };
        if (problems === undefined) throw new Error(`verify answered ${answer.slice(0, 200)}`);
        if (problems.length > 0) throw new Error(`B8: verify accuses: ${problems.slice(0, 3).join(' | ')}; did ${person.done.join(', ')}`);
      }
      stage.note(`${person.done.length} steps`);
      person.leave();
    },
  },
];
