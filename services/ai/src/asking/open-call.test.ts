import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { createToolbox } from '../tools/mcp-toolbox.ts';
import type { Call, CallResult } from '../tools/toolbox.ts';
import type { InputForm } from './forms.ts';

interface Rpc {
  id?: number | string;
  method?: string;
  result?: unknown;
  params?: { arguments?: { label?: string }; protocolVersion?: string; capabilities?: object };
}

/** A server with sessions that asks in the middle of each call, on the stream of that call, and answers with what it was told. */
const startServer = async (
  params: object = { message: 'Who?', requestedSchema: { type: 'object', properties: { who: { type: 'string' } } } },
) => {
  const open = new Map<string, { response: ServerResponse; id: number | string; label: string }>();
  let greeted: Rpc['params'];
  let calls = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const piece of request) body += String(piece);
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const rpc = JSON.parse(body) as Rpc;
    const answer = (result: object): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result }));
    if (rpc.method === 'server/discover') return void response.writeHead(404).end();
    if (rpc.method === 'initialize') {
      greeted = rpc.params;
      return answer({
        protocolVersion: rpc.params!.protocolVersion!,
        capabilities: { tools: {} },
        serverInfo: { name: 't', version: '1' },
      });
    }
    if (rpc.method === undefined) {
      const call = open.get(String(rpc.id));
      response.writeHead(202).end();
      const result = { content: [{ type: 'text', text: `${call?.label}: ${JSON.stringify(rpc.result)}` }] };
      return void call?.response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: call.id, result })}\n\n`);
    }
    if (rpc.id === undefined) return void response.writeHead(202).end();
    if (rpc.method !== 'tools/call')
      return answer({ tools: [{ name: 'act', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }] });
    const asking = `ask-${calls++}`;
    open.set(asking, { response, id: rpc.id, label: rpc.params!.arguments?.label ?? '' });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: asking, method: 'elicitation/create', params })}\n\n`);
  };
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, greeted: () => greeted };
};

const open = async (url: string, timeoutMs = 1_000) => {
  const toolbox = createToolbox([{ id: 's', url, timeoutMs }]);
  onTestFinished(() => toolbox.close());
  const signal = new AbortController().signal;
  const tool = await waitFor(async () => (await toolbox.list(signal))[0]);
  return (label: string, ask?: Call['ask']): Promise<CallResult> =>
    toolbox.call({ tool, input: { label }, key: 'r:p', attempt: 1, signal, ...(ask && { ask }) });
};

test('W-19 a server that asks while its call is open is answered there, each of two calls by its own', async () => {
  const { url, greeted } = await startServer();
  const call = await open(url);
  const forms: InputForm[] = [];
  const said = (who: string) => async (form: InputForm) => (forms.push(form), { action: 'accept' as const, content: { who } });
  const results = await Promise.all([call('a', said('ann')), call('b', said('bob'))]);
  expect(results).toMatchObject([
    { ok: true, output: 'a: {"action":"accept","content":{"who":"ann"}}' },
    { ok: true, output: 'b: {"action":"accept","content":{"who":"bob"}}' },
  ]);
  expect(forms[0]).toMatchObject({ message: 'Who?', fields: [{ name: 'who' }] });
  expect(greeted()?.capabilities).toEqual({ elicitation: { form: {} } });
});

test('the deadline of a call stands still while a person thinks', async () => {
  const { url } = await startServer();
  const call = await open(url, 2_000);
  const slow = async () => {
    await setTimeout(2_500);
    return { action: 'accept' as const, content: { who: 'x' } };
  };
  expect(await call('a', slow)).toMatchObject({ ok: true });
});

test.each([
  ['there is nobody', {}, undefined],
  [
    'it is an address to open',
    { message: 'x', mode: 'url', url: 'https://evil.example', elicitationId: 'e' },
    async () => Promise.reject(new Error('asked')),
  ],
  ['who asks fails', { message: 'x', requestedSchema: { type: 'object', properties: {} } }, async () => Promise.reject(new Error('no'))],
] as const)('nobody is asked where %s, and the call has an end', async (_why, params, ask) => {
  const { url } = await startServer({ message: 'Who?', requestedSchema: { type: 'object', properties: {} }, ...params });
  const result = await (await open(url))('a', ask);
  expect(result).toMatchObject({ ok: true });
  expect(JSON.stringify(result)).toMatch(/cancel|error|undefined/);
});
