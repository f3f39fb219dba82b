import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { elapse } from '../wait.ts';

/** One execution, as the server saw it begin. */
export interface Execution {
  tool: string;
  label: string;
  key: string;
  attempt: number;
}

/**
 * An MCP server that counts: `look` may be repeated, `do` asks nobody and may not be repeated, `act` asks. While it is held, calls are counted and
 * wait for their answer.
 */
export interface ToolServer {
  url: string;
  /** In the order they came. */
  readonly executions: Execution[];
  hold(): void;
  release(): void;
  /** From now on each call takes so long at least, ms. */
  slow(ms: number): void;
  close(): Promise<void>;
}

interface Rpc {
  id?: number;
  method: string;
  params?: { name: string; arguments?: { label?: string }; protocolVersion?: string; _meta?: Record<string, unknown> };
}

const schema = { type: 'object', properties: { label: { type: 'string' } }, additionalProperties: false };
const TOOLS = [
  { name: 'look', inputSchema: schema, annotations: { readOnlyHint: true } },
  { name: 'do', inputSchema: schema },
  { name: 'act', inputSchema: schema },
];

/** What an AI pod is told of it. */
export const toolsSetting = ({ url }: ToolServer): string =>
  JSON.stringify([{ id: 'e2e', url, approval: { do: 'never', '*': 'annotations' }, timeoutMs: 20_000 }]);

export const startToolServer = async (): Promise<ToolServer> => {
  const executions: Execution[] = [];
  let gate: PromiseWithResolvers<void> | null = null;
  let callMs = 0;
  const answer = (response: ServerResponse, id: number | undefined, result: object): void => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  };
  const call = async ({ id, params }: Rpc, response: ServerResponse): Promise<void> => {
    const { name = '', arguments: input = {}, _meta: meta = {} } = params ?? {};
    const execution = {
      tool: name,
      label: String(input.label),
      key: String(meta['runnel/idempotencyKey']),
      attempt: Number(meta['runnel/attempt']),
    };
    executions.push(execution);
    await gate?.promise;
    if (callMs > 0) await elapse(callMs);
    if (!response.destroyed) answer(response, id, { content: [{ type: 'text', text: `${name} ${execution.label}` }] });
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const piece of request) body += String(piece);
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const rpc = JSON.parse(body) as Rpc;
    if (rpc.method === 'server/discover') return void response.writeHead(404).end();
    if (rpc.id === undefined) return void response.writeHead(202).end();
    if (rpc.method === 'tools/call') return call(rpc, response);
    const { protocolVersion } = rpc.params ?? {};
    const greeting = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'e2e', version: '1' } };
    answer(response, rpc.id, rpc.method === 'initialize' ? greeting : { tools: TOOLS });
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    executions,
    hold: () => void (gate ??= Promise.withResolvers()),
    release() {
      gate?.resolve();
      gate = null;
    },
    slow: (ms) => void (callMs = ms),
    async close() {
      gate?.resolve();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
