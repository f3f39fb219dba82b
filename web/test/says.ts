import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

interface Asked {
  messages: { content: string | ({ type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } })[] }[];
}

/** `MODELS` of a server whose only model answers what this makes of a request, until the end of the test. */
const modelOf = async (answerTo: (asked: Asked) => string, capabilities: object = {}): Promise<string> => {
  const chunk = (delta: object, finish_reason: string | null): string =>
    `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const model = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const content = answerTo(JSON.parse(Buffer.concat(pieces).toString()) as Asked);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${chunk({ content }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
    });
  }).listen(0, '127.0.0.1');
  await once(model, 'listening');
  onTestFinished(() => void model.close());
  const baseURL = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  return JSON.stringify([{ id: 'm', provider: 'openai-compatible', baseURL, default: true, ...capabilities }]);
};

/** It answers this, whatever it is asked. */
export const modelThatSays = (answer: string): Promise<string> => modelOf(() => answer);

/** It tells what it was given: how many pictures, and the sentence about a river; the pictures are kept as `data:` addresses. */
export const modelThatReads = async (): Promise<{ models: string; pictures: string[] }> => {
  const pictures: string[] = [];
  const models = await modelOf(
    ({ messages }) => {
      const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content));
      for (const part of parts) if (part.type === 'image_url') pictures.push(part.image_url.url);
      const words = parts.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
      return `${pictures.length} picture; words: ${/The river[\w ]+bends/.exec(words)?.[0]}`;
    },
    { vision: true },
  );
  return { models, pictures };
};
