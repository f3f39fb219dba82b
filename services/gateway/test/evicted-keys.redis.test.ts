import { createRedisRunLog, type RunLog } from '@runnel/coordination';
import { PATIENT_MS, startRedis, type KeyName, type TestRedis } from '@runnel/coordination/testing';
import type { ConversationState, Message } from '@runnel/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EvictedWorld } from '../testing/evicted-world.ts';

let redis: TestRedis;
let store: RunLog;
beforeAll(async () => {
  redis = await startRedis();
  store = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

const KEYS = [
  ...(['meta', 'log', 'owner', 'run', 'text', 'cancel', 'history', 'order', 'ids'] as const),
  ...(['queued', 'leases', 'seen', 'present', 'whose', 'store', 'relay'] as const),
] satisfies KeyName[];

/** What the conversation is doing when the key goes; an earlier turn stands before it. */
const PHASES: Record<string, (world: EvictedWorld) => Promise<unknown>> = {
  waiting: async () => {},
  running: (world) => world.claim('a2'),
  half: async (world) => [await world.claim('a2'), await world.write('ab')],
  cancelled: async (world) => [await world.claim('a2'), await world.write('ab'), await world.cancel('a2')],
  'cancelled while it waits': (world) => world.cancel('a2'),
  ended: async (world) => [await world.claim('a2'), await world.write('ab'), await world.end()],
  idle: async (world) => {
    await world.claim('a2');
    await world.write('ab');
    await world.end();
    for (const key of ['run', 'log'] as const) await world.evict(key, 'a2');
  },
};

/** What somebody does next, and what answers are right. */
const ACTIONS: Record<string, (world: EvictedWorld) => Promise<unknown>> = {
  follow: (world) => world.follow(),
  open: (world) => world.open(),
  page: (world) => world.page(),
  prompt: (world) => world.prompt('q3', 'a3'),
  repeat: async (world) => {
    const isShown = (await world.open()).messages.some(({ messageId }) => messageId === 'q2');
    const again = await world.prompt('q2', 'a2');
    if (isShown) expect(again).toMatchObject({ outcome: 'duplicate', runId: 'a2' });
  },
  'repeat at once': (world) => world.prompt('q2', 'a2'),
  regenerate: (world) => world.regenerate('q2', 'a3'),
  edit: (world) => world.prompt('q3', 'a3', 'a1'),
  cancel: async (world) => {
    if ((await world.cancel('a2')).outcome === 'cancelling') await world.finishCancel();
  },
  delete: (world) => world.deleteMessage('a1'),
  'its owner dies': async (world) => {
    world.owned = null;
    await world.lapse('a2');
  },
  'its owner dies unread': async (world) => {
    world.owned = null;
    await world.lapse('a2');
    if (await world.isFound('a2')) await takeOver(world, 'a2');
  },
  'its owner writes': async (world) => world.owned && world.write('c'),
  'its owner ends it': async (world) => world.owned && world.end(),
  'its owner renews': async (world) => world.owned && world.renew(),
};

/** Another pod claims it and writes it to its end. */
const takeOver = async (world: EvictedWorld, runId: string): Promise<string> => {
  const outcome = await world.claim(runId, `pod-${Math.random()}`);
  if (outcome !== 'claimed') return outcome;
  const wrote = await world.write('z');
  await world.end(wrote === 'cancelled' ? 'cancelled' : 'complete');
  return 'claimed';
};

/** What pods and readers do anyway, until nothing is left to do. */
const settle = async (world: EvictedWorld): Promise<void> => {
  if (world.owned) {
    const renewed = await world.renew();
    await world.end(renewed === 'cancelled' ? 'cancelled' : 'complete');
    world.owned = null;
  }
  for (let round = 0; round < 4; round++) {
    const { run } = await world.follow();
    if (!run) return;
    await world.lapse(run.runId);
    await world.follow();
    expect(await world.isFound(run.runId), 'a run that is shown is found by who looks').toBe(true);
    await takeOver(world, run.runId);
  }
  expect((await world.follow()).run, 'no run stays for ever').toBeNull();
};

const textsOf = (messages: readonly Message[]) => new Map(messages.map(({ messageId, text }) => [messageId, text]));

/** Nothing that was shown is another, or is gone while a page says that there is no more. */
const keeps = (shown: ConversationState, now: Pick<ConversationState, 'messages' | 'hasMore'>, but: string | undefined): void => {
  const texts = textsOf(now.messages);
  for (const { messageId, text } of shown.messages) {
    if (messageId === but) continue;
    if (!texts.has(messageId)) expect(now.hasMore, `${messageId} is gone and there is no more`).toBe(true);
    else expect(texts.get(messageId)).toBe(text);
  }
};

const cell = async (key: KeyName, phase: string, action: string, database: 'up' | 'away'): Promise<void> => {
  const world = new EvictedWorld(store, redis, database);
  await world.turn('1', 'first');
  await world.prompt('q2', 'a2');
  await PHASES[phase]!(world);
  if (phase === 'ended' || phase === 'idle' || phase.startsWith('cancelled while')) world.owned = null;
  if (phase === 'waiting') world.owned = null;
  await world.store();
  const before = await world.follow();
  await world.evict(key, 'a2');
  await ACTIONS[action]!(world);
  const but = action === 'delete' ? 'a1' : undefined;

  for (const look of ['at once', 'at last']) {
    if (look === 'at last') await settle(world);
    const [followed, opened, page] = [await world.follow(), await world.open(), await world.page()];
    expect(opened.messages.length + Number(opened.hasMore), 'what was shown is not an empty page').toBeGreaterThan(0);
    keeps(before, opened, but);
    if (page?.kind === 'page') keeps(before, { messages: page.messages, hasMore: page.hasMore }, but);
    if (followed.logId === opened.logId && followed.offset === opened.offset) {
      keeps(followed, opened, undefined);
      expect(opened.run?.text, 'two readers of one log see one text').toBe(followed.run?.text);
    }
    const order = opened.messages.map(({ messageId }) => messageId).filter((id) => before.messages.some((m) => m.messageId === id));
    expect(order, 'in the order they had').toEqual(before.messages.map((m) => m.messageId).filter((id) => order.includes(id)));
    const answers = opened.messages.filter(({ role, parentId }) => role === 'assistant' && parentId === 'q2');
    expect(answers.length, 'one answer for one prompt').toBeLessThanOrEqual(action === 'regenerate' ? 2 : 1);
    const answer = answers.find(({ messageId }) => messageId === 'a2');
    if (phase.startsWith('cancelled') && answer) expect(answer.status, 'a cancel stays').toBe('cancelled');
  }
  expect(await world.prompt('q4', 'a4'), 'the next prompt works').toMatchObject({ outcome: 'started' });
  await world.leave();
};

test.each(KEYS.flatMap((key) => Object.keys(PHASES).map((phase) => [key, phase] as const)))(
  'B13 %s evicted alone (%s): whatever is done next, it heals or ends clearly',
  async (key, phase) => {
    const cells = Object.keys(ACTIONS).flatMap((action) => (['up', 'away'] as const).map((database) => [action, database] as const));
    const failed: string[] = [];
    const tryOne = ([action, database]: (typeof cells)[number]) =>
      cell(key, phase, action, database).catch((error: Error) => failed.push(`${action}, database ${database}: ${error.message}`));
    // A few at a time: a store that is kept busy answers late.
    for (let first = 0; first < cells.length; first += 5) await Promise.all(cells.slice(first, first + 5).map(tryOne));
    expect(failed.join('\n')).toBe('');
  },
);
