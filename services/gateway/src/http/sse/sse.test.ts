import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { applyEvent, emptyConversation, fromSnapshot, isLogged, type ConversationState } from '@runnel/protocol';
import { startGateway, type TestGateway } from '../../../testing/test-gateway.ts';
import { SseClient } from '../../../testing/http/sse-client.ts';

const post = async (gateway: TestGateway, path: string, body: object): Promise<Response> =>
  fetch(`${gateway.url}${path}?user_id=ann`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const prompt = async (gateway: TestGateway, n = 1): Promise<void> => {
  const response = await post(gateway, '/api/chat', { conversationId: 'c1', messageId: `m${n}`, runId: `r${n}`, text: `Hello ${n}` });
  expect(response.status).toBe(202);
  await waitFor(() => gateway.owner.runs.includes(`r${n}`));
};

const events = (gateway: TestGateway, query = ''): string => `${gateway.url}/api/conversations/c1/events?user_id=ann${query}`;

/** What a strict reader holds after the events; throws on a gap. */
const apply = (state: ConversationState, client: SseClient): ConversationState =>
  client.events.reduce((current, { data }) => {
    if (data.type === 'snapshot') return fromSnapshot(data);
    if (!isLogged(data)) return current;
    const applied = applyEvent(current, data);
    if (applied.kind === 'gap') throw new Error(`gap at offset ${data.offset}`);
    return applied.kind === 'applied' ? applied.state : current;
  }, state);

test('W-7 an event stream has a snapshot, live, then each event with its cursor as id', async () => {
  await using gateway = await startGateway();
  const reader = await SseClient.open(events(gateway));
  const empty = await reader.next('snapshot');
  expect(empty).toMatchObject({ id: '', data: { logId: null, offset: 0 } });
  await reader.next('live');
  await prompt(gateway);
  await gateway.owner.say('r1', 'Xin ');
  await gateway.owner.say('r1', 'chào 👋');
  await gateway.owner.end('r1');
  const ended = await reader.next('run-ended');
  const logged = reader.events.filter(({ data }) => isLogged(data));
  const logId = (logged[0]!.data as { logId?: string }).logId!;
  expect(logged.map(({ id }) => id)).toEqual(logged.map((_, i) => `${logId}:${i + 1}`));
  expect(logged.map(({ type, data }) => type === data.type)).not.toContain(false);
  expect(apply(emptyConversation('c1'), reader).messages.at(-1)!.text).toBe('Xin chào 👋');
  expect(reader.lastId).toBe(ended.id);
  reader.close();
});

test.each([
  ['Last-Event-ID', (id: string) => [{ 'last-event-id': id }, ''] as const],
  ['?cursor=', (id: string) => [{}, `&cursor=${id}`] as const],
  ['Last-Event-ID over a stale ?cursor=', (id: string) => [{ 'last-event-id': id }, `&cursor=${id.replace(/\d+$/, '1')}`] as const],
])('W-8 a reader resumes by %s with exactly what it missed', async (_name, resumeBy) => {
  await using gateway = await startGateway();
  const first = await SseClient.open(events(gateway));
  await prompt(gateway);
  await gateway.owner.say('r1', 'one ');
  await first.next('chunk');
  first.close();
  const state = apply(emptyConversation('c1'), first);
  await gateway.owner.say('r1', 'two ');
  const [headers, query] = resumeBy(first.lastId);
  const second = await SseClient.open(events(gateway, query), headers);
  await second.next('live');
  await gateway.owner.say('r1', 'three');
  await gateway.owner.end('r1');
  await second.next('run-ended');
  expect(second.events.map(({ type }) => type)).not.toContain('snapshot');
  const offsets = second.events.flatMap(({ data }) => (isLogged(data) ? [data.offset] : []));
  expect(offsets).toEqual(offsets.map((_, i) => state.offset + 1 + i));
  expect(apply(state, second).messages.at(-1)!.text).toBe('one two three');
  second.close();
});

test.each(['nonsense', 'other-log:3', ':', '%00'])('W-7 a cursor nobody knows (%s) is answered with a snapshot', async (cursor) => {
  await using gateway = await startGateway();
  await prompt(gateway);
  const reader = await SseClient.open(events(gateway, `&cursor=${cursor}`));
  expect((await reader.next('snapshot')).data).toMatchObject({ offset: 3, run: { runId: 'r1' } });
  reader.close();
});

test('somebody else’s conversation is a problem document, not an event stream', async () => {
  await using gateway = await startGateway();
  await prompt(gateway);
  const response = await fetch(`${gateway.url}/api/conversations/c1/events?user_id=bob`);
  expect(response.status).toBe(403);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(await response.json()).toMatchObject({ code: 'forbidden' });
});

test('a silent stream carries comments', async () => {
  await using gateway = await startGateway({ env: { HEARTBEAT_MS: '50' } });
  const reader = await SseClient.open(events(gateway));
  await waitFor(() => reader.others.filter((line) => line === ':').length >= 2);
  reader.close();
});

test('a drain says when to come back, ends the response, and takes no new one', async () => {
  await using gateway = await startGateway();
  const reader = await SseClient.open(events(gateway));
  await reader.next('live');
  const drained = gateway.drain();
  const { data } = await reader.next('draining');
  expect(reader.others).toContain(`retry: ${(data as { reconnectInMs: number }).reconnectInMs}`);
  await drained;
  await waitFor(() => reader.ended);
  expect((await fetch(events(gateway))).status).toBe(503);
});

test('P-8 more streams than a node takes are refused', async () => {
  await using gateway = await startGateway({ env: { MAX_SOCKETS_PER_IP: '1' } });
  const reader = await SseClient.open(events(gateway));
  expect((await fetch(events(gateway))).status).toBe(503);
  reader.close();
  await waitFor(async () => (await gateway.metric('runnel_gateway_event_streams')) === 0);
  const next = await SseClient.open(events(gateway));
  next.close();
});

const PIECE = 'x'.repeat(64 * 1024);

/** Lets the run speak, at the pace of a reader that is awake, until a counter moves. The kernel takes some megabytes first. */
const speakUntil = async (gateway: TestGateway, awake: SseClient, metric: string): Promise<void> => {
  for (let i = 1; i <= 300 && (await gateway.metric(metric)) === 0; i++) {
    await gateway.owner.say('r1', PIECE);
    await awake.next('chunk', ({ offset }: { offset: number }) => offset === 3 + i);
  }
  expect(await gateway.metric(metric)).toBe(1);
};

test('W-14 a reader that falls behind gets merged chunks and the same text', async () => {
  await using gateway = await startGateway();
  const awake = await SseClient.open(events(gateway));
  const asleep = await SseClient.asleep(events(gateway));
  await prompt(gateway);
  await speakUntil(gateway, awake, 'runnel_gateway_merged_chunks_total');
  await gateway.owner.end('r1');
  await awake.next('run-ended');
  const late = asleep.wake();
  const ended = await late.next('run-ended');
  expect(late.events.some(({ data }) => data.type === 'chunk' && data.from !== undefined)).toBe(true);
  expect(late.events.length).toBeLessThan(awake.events.length);
  const text = apply(emptyConversation('c1'), late).messages.at(-1)!.text;
  expect(text === gateway.owner.text('r1')).toBe(true);
  expect(late.lastId).toBe(ended.id);
  for (const reader of [awake, late]) reader.close();
});

test('W-14 a reader that does not read is sent away, and another in the conversation does not wait for it', async () => {
  await using gateway = await startGateway();
  const awake = await SseClient.open(events(gateway));
  const asleep = await SseClient.asleep(events(gateway));
  await prompt(gateway);
  await speakUntil(gateway, awake, 'runnel_gateway_slow_event_streams_total');
  await gateway.owner.end('r1');
  await awake.next('run-ended');
  expect(apply(emptyConversation('c1'), awake).messages.at(-1)!.text.length).toBe(gateway.owner.text('r1').length);
  const gone = asleep.wake();
  await waitFor(() => gone.ended);
  expect(gone.events.at(-1)?.type).not.toBe('run-ended');
  awake.close();
});

test('W-2 a token that ends while events flow ends them, and the next request is refused', async () => {
  const secret = 'a-secret-of-at-least-32-characters';
  const token = await new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'HS256' })
    // The gateway tolerates clocks that differ by some seconds when it checks, not when it waits.
    .setExpirationTime(Math.floor(Date.now() / 1000))
    .sign(new TextEncoder().encode(secret));
  await using gateway = await startGateway({ env: { AUTH_MODE: 'jwt', JWT_SECRET: secret } });
  const url = `${gateway.url}/api/conversations/c1/events`;
  const reader = await SseClient.open(url, { authorization: `Bearer ${token}` });
  expect((await reader.next('error')).data).toMatchObject({ code: 'token-expired' });
  await waitFor(() => reader.ended);
  const nobody = await fetch(url);
  expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
});
