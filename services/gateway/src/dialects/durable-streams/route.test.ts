import { stream } from '@durable-streams/client';
import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { applyEvent, emptyConversation, fromSnapshot, type ConversationState, type LogEvent, type SnapshotEvent } from '@runnel/protocol';
import { startGateway, type TestGateway } from '../../../testing/test-gateway.ts';

type Item = LogEvent | SnapshotEvent;

const prompt = async (gateway: TestGateway, n = 1): Promise<void> => {
  const response = await fetch(`${gateway.url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId: 'c1', messageId: `m${n}`, runId: `r${n}`, text: `Hello ${n}` }),
  });
  expect(response.status).toBe(202);
  await waitFor(() => gateway.owner.runs.includes(`r${n}`));
};

const urlOf = (gateway: TestGateway, query = ''): string => `${gateway.url}/api/streams/c1?user_id=ann${query}`;

const get = async (gateway: TestGateway, query = '', init?: RequestInit) => {
  const response = await fetch(urlOf(gateway, query), init);
  const items = response.status === 200 && init?.method !== 'HEAD' ? ((await response.json()) as Item[]) : [];
  return { status: response.status, headers: response.headers, items, next: response.headers.get('stream-next-offset') };
};

/** What a strict reader holds; throws on a gap or a doubled event. */
const apply = (items: readonly Item[]): ConversationState =>
  items.reduce((state, item) => {
    if (item.type === 'snapshot') return fromSnapshot(item);
    const applied = applyEvent(state, item);
    if (applied.kind !== 'applied') throw new Error(`${applied.kind} at offset ${item.offset}`);
    return applied.state;
  }, emptyConversation('c1'));

test('W-8 the events of a conversation are items, from every offset on', async () => {
  await using gateway = await startGateway();
  await prompt(gateway);
  await gateway.owner.say('r1', 'Xin ');
  await gateway.owner.say('r1', 'chào 👋');
  await gateway.owner.end('r1');
  const whole = await get(gateway);
  expect(whole.items.map(({ offset }) => offset)).toEqual(whole.items.map((_, index) => index + 1));
  expect(apply(whole.items).messages.at(-1)!.text).toBe('Xin chào 👋');
  expect(whole.next).toMatch(new RegExp(`^[A-Za-z0-9_-]+_${String(whole.items.length).padStart(16, '0')}$`));
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    'content-type': 'application/json',
    'stream-up-to-date': 'true',
    'cache-control': 'private',
    'x-runnel-conversation': 'c1',
  });
  expect(whole.headers.has('stream-closed')).toBe(false);
  const logId = whole.next!.slice(0, -17);
  for (let seen = 0; seen <= whole.items.length; seen++) {
    const rest = await get(gateway, `&offset=${logId}_${String(seen).padStart(16, '0')}`);
    expect([rest.items, rest.next]).toEqual([whole.items.slice(seen), whole.next]);
  }
  const now = await get(gateway, '&offset=now');
  expect([now.items, now.next, now.headers.get('cache-control')]).toEqual([[], whole.next, 'no-store']);
  const head = await get(gateway, '', { method: 'HEAD' });
  expect([head.status, head.next, head.headers.get('content-type')]).toEqual([200, whole.next, 'application/json']);
  const again = await get(gateway, '', { headers: { 'if-none-match': whole.headers.get('etag')! } });
  expect([again.status, again.next]).toEqual([304, whole.next]);
});

test('W-7 a log that no longer begins at 1 is told as a snapshot, then its events; older offsets are gone', async () => {
  await using gateway = await startGateway();
  await prompt(gateway);
  const early = (await get(gateway)).next!;
  const said = Array.from({ length: 1_100 }, (_, index) => `w${index} `);
  for (const word of said) await gateway.owner.say('r1', word);
  const whole = await get(gateway);
  expect(whole.items.map(({ type }) => type)).toEqual(['snapshot']);
  await gateway.owner.end('r1');
  const rest = await get(gateway, `&offset=${whole.next}`);
  expect(apply([...whole.items, ...rest.items]).messages.at(-1)!.text).toBe(said.join(''));
  expect((await get(gateway, `&offset=${early}`)).status).toBe(410);
});

test('W-7 a log that goes on behind what the database put back begins with a snapshot, and follows without a gap', async () => {
  await using gateway = await startGateway();
  const message = {
    messageId: 'm0',
    parentId: null,
    role: 'user',
    text: 'Earlier',
    status: 'complete',
    createdAt: 1,
    author: 'ann',
  } as const;
  const answer = { ...message, messageId: 'r0', parentId: 'm0', role: 'assistant', text: 'An answer', model: 'count' } as const;
  const back = { conversationId: 'c1', userId: 'ann', title: 'Back', messages: [message, answer], hasMore: false };
  expect((await gateway.runLog.rehydrate(back)).outcome).toBe('rehydrated');
  const before = await get(gateway);
  expect(before.items.map(({ type }) => type)).toEqual(['snapshot']);
  await fetch(`${gateway.url}/api/chat?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId: 'c1', messageId: 'm1', runId: 'r1', parentId: 'r0', text: 'Go on' }),
  });
  await waitFor(() => gateway.owner.runs.includes('r1'));
  await gateway.owner.say('r1', 'Yes');
  await gateway.owner.end('r1');
  const fresh = await get(gateway);
  const rest = await get(gateway, `&offset=${before.next}`);
  for (const state of [apply(fresh.items), apply([...before.items, ...rest.items])])
    expect(state.messages.map(({ text }) => text)).toEqual(['Earlier', 'An answer', 'Go on', 'Yes']);
});

test.each([
  ['nonsense', 400],
  ['-2', 400],
  ['c_1', 400],
  ['other-log_0000000000000001', 410],
] as const)('an offset that is none of this log (%s) is %i', async (offset, status) => {
  await using gateway = await startGateway();
  await prompt(gateway);
  for (const live of ['', '&live=long-poll', '&live=sse']) expect((await get(gateway, `&offset=${offset}${live}`)).status).toBe(status);
});

test('what is not there is 404, an id outside the alphabet 400, somebody else’s 403, and writing 405', async () => {
  await using gateway = await startGateway();
  expect((await get(gateway)).status).toBe(404);
  expect((await get(gateway, '&live=long-poll')).status).toBe(404);
  expect((await fetch(`${gateway.url}/api/streams/a%20b?user_id=ann`)).status).toBe(400);
  await prompt(gateway);
  expect((await fetch(`${gateway.url}/api/streams/c1?user_id=bob`)).status).toBe(403);
  expect((await fetch(`${gateway.url}/api/streams/c1?user_id=bob&live=sse`)).status).toBe(403);
  for (const method of ['PUT', 'POST', 'DELETE']) {
    const response = await fetch(urlOf(gateway), {
      method,
      ...(method !== 'DELETE' && { body: 'x', headers: { 'content-type': 'text/plain' } }),
    });
    expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD']);
  }
  expect(await gateway.metric('runnel_gateway_dialect_requests_total')).toBe(8);
});

test('a long poll answers with what comes, and before that waits', async () => {
  await using gateway = await startGateway();
  await prompt(gateway);
  const { next } = await get(gateway);
  const poll = get(gateway, `&offset=${next}&live=long-poll`);
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 1);
  await gateway.owner.say('r1', 'one ');
  const answer = await poll;
  expect(answer.items).toMatchObject([{ type: 'chunk', text: 'one ' }]);
  const cursor = answer.headers.get('stream-cursor')!;
  await gateway.owner.end('r1');
  const then = await get(gateway, `&offset=${answer.next}&live=long-poll&cursor=${cursor}`);
  expect(then.items).toMatchObject([{ type: 'run-ended' }]);
  expect(Number(then.headers.get('stream-cursor'))).toBeGreaterThan(Number(cursor));
  const left = new AbortController();
  const nothing = get(gateway, `&offset=${then.next}&live=long-poll`, { signal: left.signal });
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 1);
  left.abort();
  await expect(nothing).rejects.toThrow();
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 0);
});

test('a draining node ends what is open, without items, and takes nothing more', async () => {
  await using gateway = await startGateway();
  await prompt(gateway);
  const { next } = await get(gateway);
  const poll = get(gateway, `&offset=${next}&live=long-poll`);
  const feed = await fetch(urlOf(gateway, `&offset=${next}&live=sse`));
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 2);
  const drained = gateway.drain();
  expect([(await poll).status, (await poll).next]).toEqual([204, next]);
  expect(await feed.text()).toContain('event: control');
  await drained;
  expect((await get(gateway, '&live=sse')).status).toBe(503);
});

test.each(['sse', 'long-poll'] as const)('W-8 the client of Durable Streams holds the text by %s, from every offset on', async (live) => {
  await using gateway = await startGateway();
  await prompt(gateway);
  await gateway.owner.say('r1', 'one ');
  const left = new AbortController();
  const items: Item[] = [];
  const offsets: string[] = [];
  const response = await stream<Item>({ url: urlOf(gateway), offset: '-1', live, signal: left.signal, warnOnHttp: false });
  response.subscribeJson(async (batch) => {
    items.push(...batch.items);
    offsets.push(batch.offset);
  });
  for (const word of ['two ', 'three ', '👋']) {
    const before = items.length;
    await gateway.owner.say('r1', word);
    await waitFor(() => items.length > before);
  }
  await gateway.owner.end('r1');
  await waitFor(() => items.at(-1)?.type === 'run-ended');
  left.abort();
  expect(apply(items).messages.at(-1)!.text).toBe('one two three 👋');
  expect(offsets.toSorted()).toEqual(offsets);
  for (const offset of new Set(offsets)) {
    const rest = await (await stream<Item>({ url: urlOf(gateway), offset, live: false, warnOnHttp: false })).json();
    expect(apply([...items.slice(0, items.length - rest.length), ...rest]).messages.at(-1)!.text).toBe('one two three 👋');
  }
});
