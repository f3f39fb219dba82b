import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClientFrame, ServerEvent } from '@runnel/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createApi } from '../api/api.ts';
import { systemClock, type Clock } from '../clock.ts';
import { createCredentials } from '../connection/credentials.ts';
import { createFakeClock, settle, until } from '../../testing/fake-clock.ts';
import { openSse } from './sse.ts';

interface Call {
  method: string;
  url: string;
  body: unknown;
  token: string | undefined;
  response: ServerResponse;
}
type Answer = (call: Call) => void;

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const parts = await request.toArray();
  return parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : undefined;
};
const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** A gateway as far as this transport sees it, on a real port. */
const setup = async (answer: Answer, options: { clock?: Clock; token?: () => string } = {}) => {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const [token] = /(?<=^Bearer ).*/.exec(request.headers.authorization ?? '') ?? [];
    const call = { method: request.method!, url: request.url!, body: await readBody(request), token, response };
    calls.push(call);
    answer(call);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = options.clock ?? systemClock;
  const api = createApi({ url, fetch, credentials: createCredentials(clock, options.token), clock });
  const events: ServerEvent[] = [];
  const closed: number[] = [];
  const opened = Promise.withResolvers<void>();
  const transport = openSse(
    api,
    clock,
  )({
    open: opened.resolve,
    event: (event) => events.push(event),
    traffic: () => undefined,
    closed: (code) => closed.push(code),
  });
  onTestFinished(() => transport.close());
  await opened.promise;
  const ask = async (frame: ClientFrame): Promise<ServerEvent> => {
    const before = events.length;
    transport.send(frame);
    await until(() => events.length > before);
    return events[before]!;
  };
  return { calls, events, closed, transport, server, ask };
};
const isEvents = ({ url }: Call): boolean => url.includes('/events');
const begin = ({ response }: Call, ...events: object[]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) response.write(`id: l1:1\nevent: x\ndata: ${JSON.stringify(event)}\n\n`);
  response.flushHeaders();
};

describe('hello', () => {
  test('W-2 the greeting is a call that needs an identity and tells whose it is', async () => {
    const { ask, calls } = await setup(({ response }) => json(response, 200, { userId: 'ann', admin: false, audit: true }), {
      token: () => 'secret',
    });
    await expect(ask({ type: 'hello', protocol: 1 })).resolves.toMatchObject({
      type: 'welcome',
      userId: 'ann',
      protocol: 1,
      limits: { textChars: 5_000 },
    });
    expect(calls).toMatchObject([{ method: 'GET', token: 'secret' }]);
  });

  test('W-2 refused credentials close with 4503, after one try with a fresh token; a gateway that fails closes with 1006', async () => {
    let count = 0;
    const refused = await setup(({ response }) => json(response, 401, { code: 'unauthorized' }), { token: () => `t${++count}` });
    refused.transport.send({ type: 'hello', protocol: 1 });
    await until(() => refused.closed.length > 0);
    expect(refused.closed).toEqual([4503]);
    expect(refused.calls.map((call) => call.token)).toEqual(['t1', 't2']);
    const broken = await setup(({ response }) => json(response, 503, { code: 'unavailable' }));
    broken.transport.send({ type: 'hello', protocol: 1 });
    await until(() => broken.closed.length > 0);
    expect(broken.closed).toEqual([1006]);
  });
});

test('W-2 a token that expires meanwhile ends the connection, as it does over WebSocket', async () => {
  const { transport, closed } = await setup(({ response }) => json(response, 401, { code: 'token-expired' }));
  transport.send({ type: 'prompt', id: 1, conversationId: 'c1', messageId: 'm1', runId: 'a1', text: 'x' });
  await until(() => closed.length > 0);
  expect(closed).toEqual([4503]);
});

describe('commands', () => {
  test('each frame is its HTTP call, and the answer has the id of the frame', async () => {
    const { ask, calls } = await setup(({ response }) => json(response, 200, { runId: 'a1', offset: 2, duplicate: false }));
    const prompt = { conversationId: 'c1', messageId: 'm1', runId: 'a1', text: 'xin chào', parentId: null };
    await expect(ask({ type: 'prompt', id: 1, ...prompt })).resolves.toEqual({
      type: 'ok',
      id: 1,
      runId: 'a1',
      offset: 2,
      duplicate: false,
    });
    await ask({ type: 'regenerate', id: 2, conversationId: 'c1', parentId: 'm1' });
    await ask({ type: 'cancel', id: 3, conversationId: 'c1', runId: 'a1' });
    await ask({ type: 'delete', id: 4, conversationId: 'c1', messageId: 'm1' });
    expect(calls.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/api/chat', prompt],
      ['POST', '/api/regenerate', { conversationId: 'c1', parentId: 'm1' }],
      ['POST', '/api/cancel', { conversationId: 'c1', runId: 'a1' }],
      ['DELETE', '/api/history/c1/m1', undefined],
    ]);
  });

  test('a problem is the error frame of the command', async () => {
    const { ask } = await setup(({ response }) => json(response, 409, { code: 'busy', detail: 'wait', runId: 'a0', status: 409 }));
    const frame = { type: 'prompt', id: 'x', conversationId: 'c1', messageId: 'm1', text: 'y' } as const;
    await expect(ask(frame)).resolves.toEqual({ type: 'error', id: 'x', code: 'busy', message: 'wait', retryable: true, runId: 'a0' });
  });

  test('an answer that is no problem document is read by its status, a Retry-After counts', async () => {
    const { ask } = await setup(({ response }) => response.writeHead(503, { 'retry-after': '2' }).end('<h1>proxy</h1>'));
    await expect(ask({ type: 'cancel', id: 1, conversationId: 'c1', runId: 'a1' })).resolves.toMatchObject({
      code: 'unavailable',
      retryAfterMs: 2_000,
    });
  });

  test('W-4 when nobody answers the connection is down, and nothing is said about the command', async () => {
    const { transport, events, closed, server } = await setup(() => undefined);
    server.closeAllConnections();
    server.close();
    transport.send({ type: 'prompt', id: 1, conversationId: 'c1', messageId: 'm1', text: 'y' });
    await until(() => closed.length > 0);
    expect(closed).toEqual([1006]);
    expect(events).toEqual([]);
  });
});

describe('follow', () => {
  const live = { type: 'live', conversationId: 'c1', logId: 'l1', offset: 1 } as const;

  test('W-7 events come from one response a conversation, from the cursor on', async () => {
    const { transport, events, calls } = await setup((call) => begin(call, { type: 'snapshot' }, live));
    transport.send({ type: 'follow', id: 1, conversationId: 'c1', cursor: { logId: 'l1', offset: 7 } });
    await until(() => events.length === 3);
    expect(events.map((event) => event.type)).toEqual(['ok', 'snapshot', 'live']);
    expect(calls[0]!.url).toBe('/api/conversations/c1/events?cursor=l1%3A7');
  });

  test('a response that ends or breaks is a lost connection; unfollow ends it quietly', async () => {
    const { transport, events, calls, closed } = await setup((call) => begin(call, live));
    for (const conversationId of ['c1', 'c2']) transport.send({ type: 'follow', conversationId });
    await until(() => events.length === 4);
    const gone = once(calls[0]!.response, 'close');
    transport.send({ type: 'unfollow', conversationId: /c\d/.exec(calls[0]!.url)![0] });
    await gone;
    await settle();
    expect(closed).toEqual([]);
    calls[1]!.response.destroy();
    await until(() => closed.length > 0);
    expect(closed).toEqual([1006]);
  });

  test('to follow again replaces the response before', async () => {
    const { transport, events, calls, closed } = await setup((call) => begin(call, live));
    transport.send({ type: 'follow', id: 1, conversationId: 'c1' });
    await until(() => events.length === 2);
    const gone = once(calls[0]!.response, 'close');
    transport.send({ type: 'follow', id: 2, conversationId: 'c1' });
    await gone;
    await until(() => events.length === 4);
    expect(closed).toEqual([]);
  });

  test('a refusal answers the frame', async () => {
    const { ask } = await setup(({ response }) => json(response, 403, { code: 'forbidden' }));
    await expect(ask({ type: 'follow', id: 1, conversationId: 'c1' })).resolves.toMatchObject({ type: 'error', id: 1, code: 'forbidden' });
  });

  test('W-3 a response without a byte for three heartbeats is dead; comments are signs of life', async () => {
    const clock = createFakeClock();
    const { transport, events, calls, closed } = await setup((call) => (isEvents(call) ? begin(call, live) : undefined), { clock });
    transport.send({ type: 'follow', conversationId: 'c1' });
    await until(() => events.length === 2);
    await clock.advance(50_000);
    calls[0]!.response.write(': beat\n\n');
    const armed = clock.pending();
    await until(() => clock.pending() === armed);
    expect(closed).toEqual([]);
    await clock.advance(120_000);
    await until(() => closed.length > 0);
    expect(closed).toEqual([1006]);
  });
});

test('close lets go of every response and tells nobody', async () => {
  const { transport, events, calls, closed } = await setup((call) => begin(call));
  transport.send({ type: 'follow', conversationId: 'c1' });
  await until(() => events.length === 1);
  const gone = once(calls[0]!.response, 'close');
  transport.close();
  await gone;
  expect(closed).toEqual([]);
  expect(transport.send({ type: 'ping' })).toBe(false);
});
