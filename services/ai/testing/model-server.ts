import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelServer extends AsyncDisposable {
  url: string;
  /** Bodies of the requests so far. */
  requests: Record<string, unknown>[];
  /** Their addresses and headers. */
  heads: { url: string; headers: IncomingHttpHeaders }[];
  /** Connections that the client has closed before the answer was whole. */
  aborted: number;
}

/** An HTTP server on a port of its own that answers every POST by `answer`. */
export const startModelServer = async (
  answer: (response: ServerResponse, body: Record<string, unknown>) => unknown,
): Promise<ModelServer> => {
  const server = createServer((request, response) => {
    response.on('close', () => {
      if (!response.writableEnded) found.aborted++;
    });
    void read(request).then((body) => {
      found.requests.push(body);
      found.heads.push({ url: request.url ?? '', headers: request.headers });
      return answer(response, body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const found: ModelServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: [],
    heads: [],
    aborted: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return found;
};

const read = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  let text = '';
  for await (const part of request) text += String(part);
  return JSON.parse(text) as Record<string, unknown>;
};

/** One server-sent event of the OpenAI dialect. */
export const chunkOf = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    id: '1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }],
  })}\n\n`;

export const usageOf = (prompt: number, completion: number): string =>
  `data: ${JSON.stringify({
    id: '1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [],
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
  })}\n\n`;

export const DONE = 'data: [DONE]\n\n';

export const sse = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });
