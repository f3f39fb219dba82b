import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import type { ToolObserver } from './mcp-server.ts';
import { createToolbox } from './mcp-toolbox.ts';
import type { ToolEntry } from './tool-entry.ts';
import type { Call, CallResult, Tool, Toolbox } from './toolbox.ts';

interface Rpc {
  id?: number;
  method: string;
  params?: { name?: string; arguments?: Record<string, unknown>; _meta?: Record<string, unknown>; protocolVersion?: string };
}
type Answer = (rpc: Rpc, response: ServerResponse, request: IncomingMessage) => unknown;

const json = (response: ServerResponse, id: number | undefined, result: object): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
};
const said = (text: string): object => ({ content: [{ type: 'text', text }] });
const READ = { readOnlyHint: true };
const TOOLS = [
  { name: 'look', inputSchema: { type: 'object', properties: { a: { type: 'integer' } } }, annotations: READ },
  { name: 'act', title: 'Acts', inputSchema: { type: 'object' } },
];

/** A server of the protocol before 2026-07-28, with sessions; what it does with a call is the test's. */
const startServer = async (onCall: Answer, { tools = TOOLS as object[], onList = undefined as Answer | undefined } = {}) => {
  const calls: Rpc[] = [];
  const seen: string[] = [];
  const sessions = new Set<string>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    let body = '';
    for await (const piece of request) body += String(piece);
    if (request.method !== 'POST') return response.writeHead(405).end();
    const rpc = JSON.parse(body) as Rpc;
    seen.push(rpc.method);
    if (rpc.method === 'initialize') {
      const session = randomUUID();
      sessions.add(session);
      response.setHeader('mcp-session-id', session);
      const { protocolVersion } = rpc.params!;
      return json(response, rpc.id, { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 't', version: '1' } });
    }
    if (!sessions.has(String(request.headers['mcp-session-id'])))
      return response.writeHead(rpc.method === 'server/discover' ? 400 : 404).end();
    if (rpc.id === undefined) return response.writeHead(202).end();
    if (rpc.method === 'tools/list') return onList ? onList(rpc, response, request) : json(response, rpc.id, { tools });
    if (rpc.method !== 'tools/call') return json(response, rpc.id, {});
    calls.push(rpc);
    return onCall(rpc, response, request);
  };
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, calls, seen, sessions, stop };
};

const NEVER = new AbortController().signal;
const open = (entry: Partial<ToolEntry> & { url: string }, options: Parameters<typeof createToolbox>[1] = {}) => {
  const told: string[] = [];
  const observe: ToolObserver = {
    listed: (_server, outcome) => told.push(outcome),
    called: (_server, outcome) => told.push(`called ${outcome}`),
    breaker: (_server, state) => told.push(`breaker ${state}`),
  };
  const toolbox = createToolbox([{ id: 's', ...entry }], { observe, ...options });
  onTestFinished(() => toolbox.close());
  return { toolbox, told };
};
const toolOf = async (toolbox: Toolbox, name: string): Promise<Tool> =>
  waitFor(async () => (await toolbox.list(NEVER)).find((tool) => tool.name === name), { what: `the tool ${name}` });
const callOf = async (toolbox: Toolbox, name = 'look', change: Partial<Call> = {}): Promise<CallResult> =>
  toolbox.call({ tool: await toolOf(toolbox, name), input: {}, key: 'r:p', attempt: 1, signal: NEVER, ...change });

test('what a server lists, as a run uses it: names, who is asked, what may be repeated, which arguments fit', async () => {
  const { url } = await startServer((rpc, response) => json(response, rpc.id, said('x')));
  const { toolbox } = open({ url });
  const [look, act] = [await toolOf(toolbox, 'look'), await toolOf(toolbox, 'act')];
  expect(look).toMatchObject({ server: 's', policy: 'never', repeatable: true, spec: { name: 's__look' } });
  expect(act).toMatchObject({ title: 'Acts', policy: 'ask', repeatable: false });
  expect(look.check({ a: 1 })).toBeNull();
  expect(look.check({ a: 'one' })).toMatch(/do not fit.*a/);
});

test('a list of names and policies of one’s own go before what a server says of itself', async () => {
  const { url } = await startServer((rpc, response) => json(response, rpc.id, said('x')));
  const { toolbox } = open({ url, tools: ['look', 'act'], approval: { look: 'ask', '*': 'never' } });
  await toolOf(toolbox, 'look');
  expect((await toolbox.list(NEVER)).map(({ name, policy }) => [name, policy])).toEqual([
    ['look', 'ask'],
    ['act', 'never'],
  ]);
  const few = open({ url, tools: ['act'] });
  await toolOf(few.toolbox, 'act');
  expect(await few.toolbox.list(NEVER)).toHaveLength(1);
});

test('W-19 a call is sent once, with its key and attempt, and not when the lease is over', async () => {
  const { url, calls } = await startServer((rpc, response) => json(response, rpc.id, said('done')));
  const { toolbox } = open({ url });
  expect(await callOf(toolbox, 'look', { input: { a: 1 }, attempt: 2 })).toEqual({ ok: true, output: 'done', sources: [] });
  expect(calls).toMatchObject([
    { params: { name: 'look', arguments: { a: 1 }, _meta: { 'runnel/idempotencyKey': 'r:p', 'runnel/attempt': 2 } } },
  ]);
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  await callOf(toolbox, 'look', { trace });
  expect(calls.map(({ params }) => (params as { _meta: Record<string, unknown> })._meta['traceparent'])).toEqual([undefined, trace]);
  expect(await callOf(toolbox, 'look', { permit: async () => false })).toMatchObject({ ok: false, code: 'cancelled' });
  expect(calls).toHaveLength(2);
});

test('an output is structured content as JSON, else the texts; links are sources, those of the web only', async () => {
  const answers = [
    { ...said('not this'), structuredContent: { a: [1] } },
    {
      content: [
        { type: 'text', text: 'a' },
        { type: 'image', data: 'AA==', mimeType: 'image/png' },
        { type: 'text', text: 'b' },
        { type: 'resource_link', uri: 'https://example.org/x', name: 'x', title: 'X' },
        { type: 'resource_link', uri: 'javascript:alert(1)', name: 'bad' },
      ],
    },
    { ...said('it broke'), isError: true },
  ];
  const { url } = await startServer((rpc, response) => json(response, rpc.id, answers.shift()!));
  const { toolbox } = open({ url });
  expect(await callOf(toolbox)).toMatchObject({ ok: true, output: '{"a":[1]}' });
  expect(await callOf(toolbox)).toEqual({ ok: true, output: 'a\nb', sources: [{ url: 'https://example.org/x', title: 'X' }] });
  expect(await callOf(toolbox)).toMatchObject({ ok: false, code: 'tool-error', message: 'it broke' });
});

const sse = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });
const eventOf = (id: number | undefined, text: string): string => `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: said(text) })}\n\n`;

/** What a server may do to a call, and what becomes of it. */
const MISDEEDS: [name: string, does: Answer, outcome: Partial<Extract<CallResult, { ok: false }>> | { ok: true; output: string }][] = [
  [
    'answers twice',
    (rpc, response) => sse(response).end(eventOf(rpc.id, 'first') + eventOf(rpc.id, 'second')),
    { ok: true, output: 'first' },
  ],
  [
    'answers another call first',
    (rpc, response) => sse(response).end(eventOf(999, 'wrong') + eventOf(rpc.id, 'right')),
    { ok: true, output: 'right' },
  ],
  ['hangs', () => undefined, { code: 'timeout' }],
  ['hangs in its answer', (_rpc, response) => sse(response).write(': wait\n\n'), { code: 'timeout' }],
  ['hangs up', (_rpc, response) => response.destroy(), { code: 'unavailable' }],
  ['ends its stream without an answer', (_rpc, response) => sse(response).end(), { code: 'unavailable' }],
  ['breaks its stream', (_rpc, response) => sse(response).write('data: {', () => response.destroy()), { code: 'unavailable' }],
  ['lies about its type', (_rpc, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'), { code: 'unavailable' }],
  [
    'answers no JSON',
    (_rpc, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    { code: 'unavailable' },
  ],
  ['answers another shape', (rpc, response) => json(response, rpc.id, { content: 'text' }), { code: 'unavailable' }],
  ['refuses us', (_rpc, response) => response.writeHead(401).end(), { code: 'unavailable' }],
  ['fails', (_rpc, response) => response.writeHead(500).end('secret'), { code: 'unavailable' }],
  ['says a little too much', (rpc, response) => json(response, rpc.id, said('x'.repeat(1_001))), { code: 'too-long' }],
  ['sends without end', (_rpc, response) => void flood(sse(response), 'data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'), { code: 'too-long' }],
  [
    'sends one JSON without end',
    (_rpc, response) => void flood(response.writeHead(200, { 'content-type': 'application/json' }), ' '.repeat(1_000)),
    { code: 'too-long' },
  ],
  [
    'says an error of the protocol',
    (rpc, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: rpc.id, error: { code: -32602, message: 'no such tool' } })),
    { code: 'tool-error' },
  ],
];

const flood = (response: ServerResponse, piece: string): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
};

test.each(MISDEEDS)('W-19 a server that %s is called once, and the call has an end', async (_name, does, outcome) => {
  const { url, calls } = await startServer(does);
  const { toolbox } = open({ url, timeoutMs: 700, maxOutputBytes: 1_000 });
  const result = await callOf(toolbox, 'act');
  expect(result).toMatchObject(outcome);
  expect(JSON.stringify(result)).not.toContain('secret');
  expect(calls).toHaveLength(1);
});

test('W-20 a call that is cancelled ends at once, whatever its server does', async () => {
  const { url, calls } = await startServer(() => undefined);
  const { toolbox } = open({ url });
  const cancel = new AbortController();
  const calling = callOf(toolbox, 'act', { signal: cancel.signal });
  await waitFor(() => calls.length === 1);
  cancel.abort();
  expect(await calling).toMatchObject({ ok: false, code: 'cancelled' });
});

test('a server that does not list its tools offers none, holds nobody up, and is asked again', async () => {
  let isHanging = true;
  const { url } = await startServer((rpc, response) => json(response, rpc.id, said('x')), {
    onList: (rpc, response) => (isHanging ? undefined : json(response, rpc.id, { tools: TOOLS })),
  });
  const { toolbox, told } = open({ url, timeoutMs: 200 });
  expect(await toolbox.list(NEVER)).toEqual([]);
  await waitFor(() => told.includes('failed'));
  isHanging = false;
  await toolOf(toolbox, 'look');
});

test('a server that is away when the pod starts is found when it comes', async () => {
  const { toolbox, told } = open({ url: 'http://127.0.0.1:1/mcp', timeoutMs: 200 });
  await waitFor(() => told.filter((word) => word === 'failed').length >= 2, { deadlineMs: 8_000 });
  expect(await toolbox.list(NEVER)).toEqual([]);
});

test('after five failures in a row a server is given a rest, and one call may try again', async () => {
  let isBroken = true;
  const { url, calls } = await startServer((rpc, response) =>
    isBroken ? response.writeHead(500).end() : json(response, rpc.id, said('x')),
  );
  const { toolbox, told } = open({ url }, { breakMs: 300 });
  const tool = await toolOf(toolbox, 'act');
  const call = () => toolbox.call({ tool, input: {}, key: 'k', attempt: 1, signal: NEVER });
  for (let n = 0; n < 5; n++) await call();
  expect(await call()).toMatchObject({ code: 'unavailable', message: expect.stringContaining('was not made') as string });
  expect(calls).toHaveLength(5);
  isBroken = false;
  await waitFor(async () => (await call()).ok);
  expect(told.filter((word) => word.startsWith('breaker'))).toEqual(['breaker open', 'breaker half-open', 'breaker closed']);
});

test('W-19 a session that its server has forgotten is found out by a ping, and the call is made once', async () => {
  const { url, calls, sessions, seen } = await startServer((rpc, response) => json(response, rpc.id, said('x')));
  let now = 0;
  const clock = {
    now: () => now,
    wall: () => now,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
  const { toolbox } = open({ url }, { clock });
  const tool = await toolOf(toolbox, 'act');
  sessions.clear();
  now = 10_000;
  expect(await toolbox.call({ tool, input: {}, key: 'k', attempt: 1, signal: NEVER })).toMatchObject({ ok: true });
  expect(calls).toHaveLength(1);
  expect(seen.filter((method) => method === 'initialize').length).toBeGreaterThanOrEqual(2);
});

test('tools that cannot be offered are left out: a schema nobody can check, a second of a name, names no provider takes are tamed', async () => {
  const { url } = await startServer((rpc, response) => json(response, rpc.id, said('x')), {
    tools: [
      { name: 'a.b/c', inputSchema: { type: 'object' } },
      { name: 'a.b/c', inputSchema: { type: 'object' } },
      { name: 'bad', inputSchema: { type: 'object', properties: { x: { pattern: '(' } } } },
      { name: 'n'.repeat(100), inputSchema: { type: 'object' } },
    ],
  });
  const { toolbox } = open({ url });
  await toolOf(toolbox, 'a.b/c');
  const names = (await toolbox.list(NEVER)).map(({ spec }) => spec.name);
  expect(names).toHaveLength(2);
  expect(names[0]).toMatch(/^s__a_b_c_[0-9a-f]{8}$/);
  expect(names.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name))).toBe(true);
});
