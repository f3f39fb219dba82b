import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndpointSlice } from '../../src/dispatch/discovery/endpoint-slices.ts';

export interface Asked {
  path: string;
  query: Record<string, string>;
  authorization: string | undefined;
}

/** An API server that a test plays by hand: what it lists, what it sends to those who watch, with which status it answers. */
export const startApiServer = async () => {
  const asked: Asked[] = [];
  const watches = new Set<ServerResponse>();
  const state = { slices: [] as EndpointSlice[], version: '1', listStatus: 200, watchStatus: 200 };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://api');
    const query = Object.fromEntries(searchParams);
    asked.push({ path: pathname, query, authorization: request.headers.authorization });
    if (query['watch'] !== 'true') {
      response.writeHead(state.listStatus).end(JSON.stringify({ metadata: { resourceVersion: state.version }, items: state.slices }));
      return;
    }
    response.writeHead(state.watchStatus);
    if (state.watchStatus !== 200) return void response.end();
    response.flushHeaders();
    watches.add(response);
    response.on('close', () => watches.delete(response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accountDir = await mkdtemp(join(tmpdir(), 'runnel-account-'));
  for (const [name, text] of Object.entries({ token: 'tok-1\n', namespace: 'chat\n', 'ca.crt': '' }))
    await writeFile(join(accountDir, name), text);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accountDir,
    asked,
    state,
    watches,
    lists: () => asked.filter(({ query }) => query['watch'] === undefined),
    watched: () => asked.filter(({ query }) => query['watch'] === 'true'),
    send(type: string, object: object): void {
      for (const watch of watches) watch.write(`${JSON.stringify({ type, object })}\n`);
    },
    /** Ends every watch, politely or by cutting the connection. */
    end(how: 'end' | 'cut'): void {
      for (const watch of watches) how === 'end' ? watch.end() : watch.destroy();
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await rm(accountDir, { recursive: true });
    },
  };
};
