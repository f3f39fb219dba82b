import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis, createRedisRunLog } from '@runnel/coordination';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { newId } from '@runnel/protocol';
import { delay, waitFor } from '@runnel/kit';
import { createRateLimits } from '../src/budgets/rate-limit.ts';
import { startGateway, type TestGateway } from '../testing/test-gateway.ts';
import type { TestClient } from '../testing/ws-client.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** A gateway with connections of its own, as if in its own pod. */
const node = async (env: Record<string, string> = {}): Promise<TestGateway & AsyncDisposable> => {
  const runLog = createRedisRunLog({ url: redis.url });
  const client = connectRedis(redis.url);
  await waitFor(() => runLog.ping().then(() => true));
  const rateLimits = createRateLimits({ promptsPerMinute: Number(env['RATE_LIMIT_PER_MINUTE'] ?? 1000), redis: client });
  const gateway = await startGateway({ runLog, rateLimits, env });
  const close = async () => {
    await gateway.close();
    client.disconnect();
    await runLog.close();
  };
  return { ...gateway, close, [Symbol.asyncDispose]: close };
};
const following = async (gateway: TestGateway, conversationId: string): Promise<TestClient> => {
  const client = await gateway.connect();
  await client.ask({ type: 'follow', conversationId });
  await client.next('live');
  return client;
};
const prompting = async (gateway: TestGateway, client: TestClient, conversationId: string): Promise<string> => {
  const runId = newId();
  expect(await client.ask({ type: 'prompt', conversationId, messageId: newId(), runId, text: 'hi' })).toMatchObject({ type: 'ok', runId });
  await waitFor(() => gateway.owner.runs.includes(runId));
  return runId;
};
const textOf = (client: TestClient, runId: string): string =>
  client.events.flatMap((e) => (e.type === 'chunk' && e.runId === runId ? [e.text] : [])).join('');

test('P-1 two gateways on one Redis show the same, byte for byte', async () => {
  await using one = await node();
  await using two = await node();
  const c = newId();
  const [ann, phone] = [await following(one, c), await following(two, c)];
  const runId = await prompting(one, ann, c);
  for (let i = 0; i < 50; i++) await one.owner.say(runId, `từ${i} `);
  await one.owner.end(runId);
  for (const client of [ann, phone]) {
    await client.next('run-ended');
    expect(textOf(client, runId)).toBe(one.owner.text(runId));
  }
  expect(await ann.ask({ type: 'prompt', conversationId: c, messageId: 'm2', runId: 'r2', text: 'again' })).toMatchObject({
    duplicate: false,
  });
  expect(await phone.ask({ type: 'prompt', conversationId: c, messageId: 'm2', runId: 'r2', text: 'again' })).toMatchObject({
    duplicate: true,
  });
});

test('P-5 a cancel from another gateway ends the run everywhere', async () => {
  await using one = await node();
  await using two = await node();
  const c = newId();
  const [ann, phone] = [await following(one, c), await following(two, c)];
  const runId = await prompting(one, ann, c);
  await one.owner.say(runId, 'partial');
  const startedAt = performance.now();
  expect(await phone.ask({ type: 'cancel', conversationId: c, runId })).toMatchObject({ outcome: 'cancelling' });
  expect(await ann.next('run-ended')).toMatchObject({ reason: 'cancelled', bytes: 7 });
  expect(performance.now() - startedAt).toBeLessThan(400);
});

test('P-8 the budget of a user holds over all gateways', async () => {
  const env = { RATE_LIMIT_PER_MINUTE: '2' };
  await using one = await node(env);
  await using two = await node(env);
  const user = `user-${newId()}`;
  const [a, b] = [await one.connect({ query: { user_id: user } }), await two.connect({ query: { user_id: user } })];
  const prompt = () => ({ type: 'prompt', conversationId: newId(), messageId: newId(), text: 'hi' }) as const;
  const answers = [await a.ask(prompt()), await b.ask(prompt()), await a.ask(prompt()), await b.ask(prompt())];
  expect(answers.map((answer) => (answer.type === 'ok' ? 'ok' : answer.code))).toEqual(['ok', 'ok', 'rate-limited', 'rate-limited']);
});

test('P-10 subscriptions that are cut lose nothing', async () => {
  await using gateway = await node();
  const c = newId();
  const ann = await following(gateway, c);
  const runId = await prompting(gateway, ann, c);
  for (let i = 0; i < 30; i++) {
    if (i % 10 === 5) await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await gateway.owner.say(runId, `w${i} `);
    await delay(5);
  }
  await gateway.owner.end(runId);
  await ann.next('run-ended');
  expect(textOf(ann, runId)).toBe(gateway.owner.text(runId));
  expect(ann.events.filter((e) => e.type === 'snapshot')).toHaveLength(1);
});

test('P-10 a Redis that hangs is a clear error within a second, and all goes on when it is back', async () => {
  await using gateway = await node();
  const c = newId();
  const ann = await following(gateway, c);
  const runId = await prompting(gateway, ann, c);
  await gateway.owner.say(runId, 'before ');
  redis.pause();
  try {
    const startedAt = performance.now();
    expect(await ann.ask({ type: 'cancel', conversationId: c, runId })).toMatchObject({ code: 'unavailable', retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(1300);
  } finally {
    redis.resume();
  }
  await waitFor(() => gateway.runLog.ping().then(() => true));
  // The pause is over: whether the cancel was taken is the store's to say, and asking again is safe.
  await waitFor(async () => (await ann.ask({ type: 'cancel', conversationId: c, runId })).type === 'ok');
  expect(await ann.next('run-ended')).toMatchObject({ reason: 'cancelled' });
});

test('L-6 data that is lost and written again by its owner comes back as a snapshot', async () => {
  await using gateway = await node();
  const c = newId();
  const ann = await following(gateway, c);
  const runId = await prompting(gateway, ann, c);
  await gateway.owner.say(runId, 'kept');
  await ann.next('chunk');
  const state = await gateway.runLog.readState({ conversationId: c });
  if (state.kind !== 'snapshot') throw new Error('no state');
  await redis.restartEmpty();
  await waitFor(() => gateway.runLog.ping().then(() => true));
  const { parentId, model, startedAt, epoch } = state.run!;
  await gateway.runLog.restoreRun({
    conversationId: c,
    runId,
    epoch,
    owner: 'test',
    leaseMs: 60_000,
    newLogId: 'fresh',
    userId: 'ann',
    title: 'hi',
    run: { runId, parentId, model, startedAt },
    text: 'kept',
    messages: state.messages,
  });
  const snapshot = await ann.next('snapshot', (e) => e.logId === 'fresh');
  expect(snapshot.run).toMatchObject({ runId, text: 'kept' });
  await gateway.owner.say(runId, ' and more');
  await ann.next('chunk', (e) => e.text === ' and more');
});

test('S-6 S-7 what a person may have is counted over both gateways on one Redis, and given back', async () => {
  const env = { MAX_RUNS_PER_USER: '5', MAX_SOCKETS_PER_USER: '4', MAX_FOLLOWS_PER_USER: '3', MAX_COMMANDS_PER_MINUTE: '10' };
  await using one = await node(env);
  await using two = await node(env);
  const user = `user-${newId()}`;
  const query = { user_id: user };
  const ask = (n: number) =>
    fetch(`${(n % 2 ? one : two).url}/api/chat?user_id=${user}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ conversationId: newId(), messageId: newId(), runId: newId(), text: 'hi' }),
    });
  const statuses = (await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)))).map(({ status }) => status);
  expect(statuses.filter((status) => status === 202)).toHaveLength(5);
  expect(statuses.filter((status) => status === 429)).toHaveLength(35);
  const ended = one.owner.runs[0] ?? two.owner.runs[0]!;
  await (one.owner.runs.length > 0 ? one : two).owner.end(ended);
  await waitFor(async () => (await ask(1)).status === 202, { what: 'a place' });
  expect((await ask(0)).status).toBe(429);

  const sockets = [await one.connect({ query }), await two.connect({ query }), await one.connect({ query }), await two.connect({ query })];
  const fifth = await two.connect({ query, hello: false });
  fifth.send({ type: 'hello', protocol: 1 });
  expect(await fifth.next('error')).toMatchObject({ code: 'rate-limited', limit: 'sockets' });
  expect(await fifth.closedWith).toBe(4003);
  const follow = (n: number) => sockets[n]!.ask({ type: 'follow', conversationId: newId() });
  expect([(await follow(0)).type, (await follow(1)).type, (await follow(2)).type]).toEqual(['ok', 'ok', 'ok']);
  expect(await follow(3)).toMatchObject({ type: 'error', limit: 'follows' });
  sockets[0]!.drop();
  await waitFor(async () => (await follow(3)).type === 'ok', { what: 'room for a follow' });
  await waitFor(
    async () => {
      const again = await two.connect({ query, hello: false });
      again.send({ type: 'hello', protocol: 1 });
      return Promise.race([again.next('welcome').then(() => true), again.closedWith.then(() => false)]);
    },
    { what: 'room for a socket' },
  );
});
