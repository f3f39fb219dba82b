/**
 * A model's provider in a process of its own: OpenAI's chat completions, one delta of one word an event, at an even pace. It reads
 * `count N at R` from the last prompt. Deltas of one run leave one by one, as a real server's do.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from './child.ts';

export type UpstreamRequest = { kind: 'start' };
export interface UpstreamAnswer {
  url: string;
}

const event = (fields: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', ...fields })}\n\n`;
const delta = (content: string): string => event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const END = `${event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}data: [DONE]\n\n`;

const answer = (response: ServerResponse, words: number, rate: number): void => {
  const startedAt = performance.now();
  let sent = 0;
  const send = (): void => {
    if (response.destroyed) return;
    response.write(delta(` w${String(++sent).padStart(6, '0')}`));
    if (sent < words) setTimeout(send, Math.max(0, startedAt + (sent * 1_000) / rate - performance.now()));
    else response.end(END);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send();
};

const start = async (): Promise<UpstreamAnswer> => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      const [, words = '10', rate = '10'] = /count (\d+) at (\d+)/.exec(messages.at(-1)?.content ?? '') ?? [];
      answer(response, Number(words), Number(rate));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
};

answerParent<UpstreamRequest, UpstreamAnswer>(start);
