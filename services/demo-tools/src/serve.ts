import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { createDemoTools, type DemoToolsOptions } from './tools.ts';

interface ServedTools {
  /** `http://127.0.0.1:<port>/mcp`. */
  url: string;
  close(): Promise<void>;
}

const MOST_BODY = 1024 * 1024;

/** Serves the demo tools on loopback; `port` 0: any that is free. Pages of a browser are refused, whatever name they came by. */
export const serveDemoTools = async ({ port = 0, ...options }: DemoToolsOptions & { port?: number }): Promise<ServedTools> => {
  const handler = createMcpHandler(() => createDemoTools(options), { maxRequestBodySize: MOST_BODY });
  const answer = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== '/mcp') return new Response(null, { status: 404 });
    const refused = hostHeaderValidationResponse(request, localhostAllowedHostnames()) ?? originValidationResponse(request, []);
    return refused ?? handler.fetch(request);
  };
  const server = createServer((incoming, outgoing) => {
    void toRequest(incoming)
      .then(answer)
      .then(
        (response) => send(response, outgoing),
        () => outgoing.headersSent || outgoing.writeHead(400).end(),
      );
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      await handler.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

const toRequest = async (incoming: IncomingMessage): Promise<Request> => {
  const { method = 'GET', url = '/', headers } = incoming;
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MOST_BODY) throw new Error('too long');
    pieces.push(piece);
  }
  const given = Object.entries(headers).flatMap(([name, value]): [string, string][] => (typeof value === 'string' ? [[name, value]] : []));
  const hasBody = method !== 'GET' && method !== 'HEAD' && bytes > 0;
  return new Request(new URL(url, `http://${headers.host ?? 'invalid'}`), {
    method,
    headers: given,
    ...(hasBody && { body: Buffer.concat(pieces) }),
  });
};

const send = async (response: Response, outgoing: ServerResponse): Promise<void> => {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void outgoing.end();
  const reader = response.body.getReader();
  outgoing.on('close', () => void reader.cancel().catch(() => undefined));
  for (let next = await reader.read(); !next.done; next = await reader.read()) outgoing.write(next.value);
  outgoing.end();
};
