import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { startGateway } from '../../testing/test-gateway.ts';
import { Shares } from './shares.ts';

const promptOf = (n: number, conversationId = `c${n}`) =>
  ({ type: 'prompt', conversationId, messageId: `m${n}`, runId: `r${n}`, text: `Hello ${n}` }) as const;
const post = (url: string, body: object, user = 'ann') =>
  fetch(`${url}/api/chat?user_id=${user}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const bodyOf = (n: number) => {
  const { type: _, ...body } = promptOf(n);
  return body;
};

test('W-4 a repeated prompt is answered as the first time, whatever budget is used up', async () => {
  for (const env of [{ RATE_LIMIT_PER_MINUTE: '1' }, { MAX_RUNS_PER_USER: '1' }, { MAX_BYTES_PER_USER_DAY: '8' }]) {
    await using gateway = await startGateway({ env });
    const ann = await gateway.connect();
    const first = await ann.ask(promptOf(1));
    expect(first).toMatchObject({ type: 'ok', duplicate: false });
    const { offset } = first as { offset: number };
    // Another one shows that the budget is used up indeed.
    expect(await ann.ask(promptOf(2))).toMatchObject({
      type: 'error',
      code: 'rate-limited',
      retryable: true,
      retryAfterMs: expect.any(Number),
    });
    for (let i = 0; i < 3; i++) expect(await ann.ask(promptOf(1))).toMatchObject({ type: 'ok', runId: 'r1', offset, duplicate: true });
    const again = await post(gateway.url, bodyOf(1));
    expect(again.status).toBe(202);
    expect(await again.json()).toEqual({ runId: 'r1', offset, duplicate: true });
    // A client that lets the gateway name its runs repeats the message alone.
    const { runId: _, ...unnamed } = bodyOf(1);
    expect(await (await post(gateway.url, unnamed)).json()).toMatchObject({ runId: 'r1', duplicate: true });
    // Somebody else learns nothing by it.
    expect(await (await post(gateway.url, bodyOf(1), 'bob')).json()).toMatchObject({ code: 'forbidden' });
  }
});

test('S-7 a person has so many answers at a time, over two gateways that race; an end makes room', async () => {
  const runLog = createMemoryRunLog();
  const env = { MAX_RUNS_PER_USER: '5', RATE_LIMIT_PER_MINUTE: '1000' };
  await using one = await startGateway({ runLog, env });
  await using two = await startGateway({ runLog, env });
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post((n % 2 ? one : two).url, bodyOf(n))));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(35);
  expect(refused[0]!.headers.get('retry-after')).toBe('2');
  expect(await refused[0]!.json()).toMatchObject({ code: 'rate-limited', limit: 'runs', retryable: true });
  // Another person is not concerned.
  expect((await post(one.url, { ...bodyOf(1), conversationId: 'bobs' }, 'bob')).status).toBe(202);
  const started = answers.findIndex(({ status }) => status === 202);
  const owner = started % 2 ? one.owner : two.owner;
  await waitFor(() => owner.runs.includes(`r${started}`));
  await owner.end(`r${started}`);
  expect((await post(one.url, bodyOf(100))).status).toBe(202);
  expect((await post(two.url, bodyOf(101))).status).toBe(429);
  expect((await one.metric('runnel_gateway_refusals_total')) + (await two.metric('runnel_gateway_refusals_total'))).toBe(36);
});

test('S-7 a command that was refused for another reason keeps no place', async () => {
  await using gateway = await startGateway({ env: { MAX_RUNS_PER_USER: '2' } });
  const ann = await gateway.connect();
  await ann.ask(promptOf(1));
  for (let n = 2; n < 8; n++) {
    expect(await ann.ask(promptOf(n, 'c1'))).toMatchObject({ code: 'busy' });
    expect(await ann.ask({ ...promptOf(n), parentId: 'nothing' })).toMatchObject({ code: 'not-found' });
  }
  expect(await ann.ask(promptOf(9))).toMatchObject({ type: 'ok' });
});

test('S-5 a person writes so many bytes a day, context and answers included', async () => {
  await using gateway = await startGateway({ env: { MAX_BYTES_PER_USER_DAY: '10000', MAX_RUNS_PER_USER: '0' } });
  const complete = (context: string) =>
    fetch(`${gateway.url}/v1/chat/completions?user_id=ann`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        stream: true,
        messages: [
          { role: 'system', content: context },
          { role: 'user', content: 'Hello' },
        ],
      }),
    });
  const stop = new AbortController();
  const first = complete('漢'.repeat(2000));
  await waitFor(() => gateway.owner.runs.length === 1);
  const refused = await complete('漢'.repeat(2000));
  expect(refused.status).toBe(429);
  expect(await refused.text()).toContain('written in a day');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await post(gateway.url, bodyOf(1))).status).toBe(202);
  expect((await post(gateway.url, bodyOf(2), 'bob')).status).toBe(202);
  stop.abort();
  await gateway.owner.end(gateway.owner.runs[0]!);
  await (await first).text();
});

test('S-6 a person has so many sockets and event streams together, over two gateways; one that closes makes room', async () => {
  const runLog = createMemoryRunLog();
  const env = { MAX_SOCKETS_PER_USER: '3' };
  await using one = await startGateway({ runLog, env });
  await using two = await startGateway({ runLog, env });
  const first = await one.connect();
  await two.connect();
  const leave = new AbortController();
  const stream = await fetch(`${one.url}/api/conversations/c1/events?user_id=ann`, { signal: leave.signal });
  expect(stream.status).toBe(200);
  for (const gateway of [one, two]) {
    const more = await gateway.connect({ hello: false });
    more.send({ type: 'hello', protocol: 1 });
    expect(await more.next('error')).toMatchObject({ code: 'rate-limited', limit: 'sockets', retryAfterMs: 5000 });
    expect(await more.closedWith).toBe(4003);
    const events = await fetch(`${gateway.url}/api/conversations/c1/events?user_id=ann`);
    expect(events.status).toBe(429);
    expect(await events.json()).toMatchObject({ code: 'rate-limited', limit: 'sockets' });
  }
  await two.connect({ query: { user_id: 'bob' } });
  first.drop();
  leave.abort();
  for (const gateway of [two, one]) {
    await waitFor(async () => {
      const again = await gateway.connect({ hello: false });
      again.send({ type: 'hello', protocol: 1 });
      return (await Promise.race([again.next('welcome').then(() => true), again.closedWith.then(() => false)])) === true;
    });
  }
});

test('S-6 a person follows so many conversations, all sockets together', async () => {
  const runLog = createMemoryRunLog();
  const env = { MAX_FOLLOWS_PER_USER: '4' };
  await using one = await startGateway({ runLog, env });
  await using two = await startGateway({ runLog, env });
  const [a, b, c] = [await one.connect(), await one.connect(), await two.connect()];
  const follow = (socket: typeof a, conversationId: string) => socket.ask({ type: 'follow', conversationId });
  expect(await follow(a, 'c1')).toMatchObject({ type: 'ok' });
  expect(await follow(b, 'c1')).toMatchObject({ type: 'ok' });
  expect(await follow(c, 'c2')).toMatchObject({ type: 'ok' });
  expect(await follow(c, 'c3')).toMatchObject({ type: 'ok' });
  for (const socket of [a, b, c])
    expect(await follow(socket, 'c4')).toMatchObject({ type: 'error', code: 'rate-limited', limit: 'follows' });
  // To follow again what is followed takes nothing.
  expect(await follow(a, 'c1')).toMatchObject({ type: 'ok' });
  expect(await a.ask({ type: 'unfollow', conversationId: 'c1' })).toMatchObject({ type: 'ok' });
  await waitFor(async () => (await follow(c, 'c4')).type === 'ok');
  expect(await follow(a, 'c5')).toMatchObject({ code: 'rate-limited' });
  b.drop();
  await waitFor(async () => (await follow(a, 'c5')).type === 'ok');
});

test('S-11 renames, reads and searches have a budget, and to cancel is always allowed', async () => {
  await using gateway = await startGateway({ env: { MAX_COMMANDS_PER_MINUTE: '5' } });
  await post(gateway.url, bodyOf(1));
  const rename = () =>
    fetch(`${gateway.url}/api/conversations/c1?user_id=ann`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'x' }),
    });
  const statuses = [];
  for (let i = 0; i < 8; i++) statuses.push((await rename()).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  const refused = await fetch(`${gateway.url}/api/history/c1?user_id=ann`);
  expect(await refused.json()).toMatchObject({ code: 'rate-limited', limit: 'commands', retryAfterMs: expect.any(Number) });
  expect((await fetch(`${gateway.url}/api/history/c1?user_id=bob`)).status).toBe(403);
  const cancel = await fetch(`${gateway.url}/api/cancel?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId: 'c1', runId: 'r1' }),
  });
  expect(cancel.status).toBe(200);
});

test('every budget is off at 0, and the words of the metric begin at zero', async () => {
  const off = ['RUNS_PER_USER', 'BYTES_PER_USER_DAY', 'SOCKETS_PER_USER', 'FOLLOWS_PER_USER', 'READS_PER_USER', 'COMMANDS_PER_MINUTE'];
  await using gateway = await startGateway({ env: Object.fromEntries(off.map((name) => [`MAX_${name}`, '0'])) });
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => post(gateway.url, bodyOf(n))));
  expect(answers.every(({ status }) => status === 202)).toBe(true);
  const sockets = await Promise.all(Array.from({ length: 60 }, () => gateway.connect()));
  expect(await sockets[0]!.ask({ type: 'follow', conversationId: 'c1' })).toMatchObject({ type: 'ok' });
  expect(await gateway.metric('runnel_gateway_refusals_total')).toBe(0);
});

test('shares: while the store is away the count of this node is held against the limit', async () => {
  let store: number | null = null;
  const shares = new Shares({ limit: 3, ask: async (_user, wanted) => (store === null ? null : Math.min(wanted, store)) });
  const take = async () => shares.take('ann');
  expect([await take(), await take(), await take(), await take()]).toEqual([true, true, true, false]);
  shares.release('ann');
  expect(await take()).toBe(true);
  // Back again, it knows of others: what is held stays, and nothing comes on top.
  store = 1;
  shares.release('ann');
  expect(await take()).toBe(false);
});

test('shares: of a large limit a part is asked for ahead, and takers who ask together are counted one by one', async () => {
  let asked = 0;
  const shares = new Shares({ limit: 320, ask: async (_user, wanted) => (asked++, Math.min(wanted, 100)) });
  const taken = await Promise.all(Array.from({ length: 150 }, () => shares.take('ann')));
  expect(taken.filter(Boolean)).toHaveLength(100);
  expect(asked).toBeLessThan(10 + 51);
  for (let i = 0; i < 100; i++) shares.release('ann');
  await waitFor(() => shares.take('ann'));
});
