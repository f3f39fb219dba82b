import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { elapse } from '../wait.ts';
import { accentText, countText } from '../viewers/expected.ts';

/** A provider that speaks OpenAI's protocol and cannot continue: every request starts from the first word. */
export interface FakeModel {
  url: string;
  /** Requests so far. */
  readonly asked: number;
  close(): Promise<void>;
}

interface Completion {
  messages: { role: string; content: string }[];
}

const WRITES_PER_SECOND = 50;

/** What it says to `say N words at R`, or `accents` instead of words; `versions`: another text each time. */
const readOrder = (prompt: string, asked: number): { text: string; rate: number } => {
  const [, words = '10', kind = 'words', rate = '100'] = /say (\d+) (words|accents|versions) at (\d+)/.exec(prompt) ?? [];
  // Never the same twice, as real models are.
  if (kind === 'versions') return { text: countText(Number(words)).replaceAll('w', `v${asked}w`), rate: Number(rate) };
  return { text: kind === 'accents' ? accentText(Number(words)) : countText(Number(words)), rate: Number(rate) };
};

const delta = (content: string): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'fake', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const END = `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'fake', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;

export const startFakeModel = async (): Promise<FakeModel> => {
  let asked = 0;
  const server = createServer((request, response) => {
    void (async () => {
      asked++;
      const body = await new Response(request as unknown as ReadableStream).text();
      const prompt = (JSON.parse(body) as Completion).messages.findLast(({ role }) => role === 'user')?.content ?? '';
      const { text, rate } = readOrder(prompt, asked);
      const step = Math.max(1, Math.round((rate * 8) / WRITES_PER_SECOND));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let at = 0; at < text.length && !response.destroyed; at += step) {
        response.write(delta(text.slice(at, at + step)));
        await elapse(1_000 / WRITES_PER_SECOND);
      }
      response.end(END);
    })().catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get asked() {
      return asked;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
