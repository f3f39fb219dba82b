import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisRunLog } from '@runnel/coordination';
import { startRedis, type TestRedis } from '@runnel/coordination/testing';
import { waitFor } from '@runnel/kit';
import { CLOSE, newId } from '@runnel/protocol';
import { bearer, call, makeKey } from '../testing/api-keys.ts';
import { SseClient } from '../testing/http/sse-client.ts';
import { startGateway } from '../testing/test-gateway.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const node = async () => {
  const runLog = createRedisRunLog({ url: redis.url });
  await waitFor(() => runLog.ping().then(() => true));
  const gateway = await startGateway({ runLog });
  const close = async () => {
    await gateway.close();
    await runLog.close();
  };
  return { ...gateway, close, [Symbol.asyncDispose]: close };
};
const ENDED_MS = 1_000;

test('A-6 a key that is ended on one node is refused on the other, and its sockets and streams there close within a second', async () => {
  await using one = await node();
  await using two = await node();
  const { key, id } = await makeKey(one.url);
  const { key: otherKey } = await makeKey(one.url);
  const conversationId = newId();
  const [socket, bystander] = [await two.connect({ query: {}, token: key }), await two.connect({ query: {}, token: otherKey })];
  await socket.ask({ type: 'prompt', conversationId, messageId: newId(), text: 'hi' });
  const events = await SseClient.open(`${two.url}/api/conversations/${conversationId}/events`, bearer(key));
  await events.next('snapshot');
  const answer = fetch(`${two.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...bearer(key), 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', stream: true, messages: [{ role: 'user', content: 'wait' }] }),
  }).then(async (response) => ({ status: response.status, text: await response.text() }));
  await waitFor(() => two.owner.runs.length === 2, { deadlineMs: 5_000 });
  await two.owner.say(two.owner.runs[1]!, 'first ');

  const endedAt = performance.now();
  expect((await call(one.url, 'DELETE', `/api/keys/${id}?user_id=ann`)).status).toBe(204);
  expect((await call(two.url, 'GET', '/api/me', { headers: bearer(key) })).status).toBe(401);
  expect(await socket.closedWith).toBe(CLOSE.auth);
  await waitFor(() => events.ended, { deadlineMs: ENDED_MS });
  expect(await answer).toMatchObject({ status: 200, text: expect.stringMatching(/invalid_api_key(?![^]*finish_reason\W+stop)/) });
  expect(performance.now() - endedAt).toBeLessThan(ENDED_MS);
  expect(bystander.socket.readyState).toBe(1);
});

test("A-5 OpenAI's own client works with a key", async () => {
  await using gateway = await node();
  const { key } = await makeKey(gateway.url);
  const client = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const stream = await client.chat.completions.create({ model: 'default', stream: true, messages: [{ role: 'user', content: 'hi' }] });
  const runId = await waitFor(() => gateway.owner.runs[0], { deadlineMs: 5_000 });
  await gateway.owner.say(runId, 'xin chào');
  await gateway.owner.end(runId);
  let text = '';
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
  expect(text).toBe('xin chào');
});

test('P-10 while the store is away a key is not refused but asked to come back, and what it opened stays', async () => {
  await using gateway = await node();
  const { key } = await makeKey(gateway.url);
  const socket = await gateway.connect({ query: {}, token: key });
  redis.pause();
  try {
    const answer = await call(gateway.url, 'GET', '/api/me', { headers: bearer(key) });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, 'unavailable']);
    expect(socket.socket.readyState).toBe(1);
  } finally {
    redis.resume();
  }
  await waitFor(async () => (await call(gateway.url, 'GET', '/api/me', { headers: bearer(key) })).status === 200, {
    deadlineMs: 5_000,
    everyMs: 50,
  });
});

test('a store that lost everything knows no key, and another one can be made', async () => {
  await using gateway = await node();
  const { key } = await makeKey(gateway.url);
  await redis.cli('FLUSHALL');
  expect((await call(gateway.url, 'GET', '/api/me', { headers: bearer(key) })).status).toBe(401);
  const { key: next } = await makeKey(gateway.url);
  expect((await call(gateway.url, 'GET', '/api/me', { headers: bearer(next) })).status).toBe(200);
});

test('A-8 nothing of the key is in the store', async () => {
  await using gateway = await node();
  const { key } = await makeKey(gateway.url);
  const kept: unknown[] = [];
  for (const name of (await redis.cli('KEYS', '*grant*')) as string[]) {
    const type = await redis.cli('TYPE', name);
    kept.push(name, await (type === 'hash' ? redis.cli('HGETALL', name) : redis.cli('GET', name)));
  }
  expect(kept.length).toBeGreaterThan(2);
  expect(JSON.stringify(kept)).toContain(key.slice(0, 9));
  expect(JSON.stringify(kept)).not.toContain(key.slice(9));
});
