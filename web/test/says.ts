import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** `MODELS` of a server whose only model answers this, whatever it is asked, until the end of the test. */
export const modelThatSays = async (answer: string): Promise<string> => {
  const model = createServer((request, response) => {
    request.resume();
    const chunk = (delta: object, finish_reason: string | null): string =>
      `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${chunk({ content: answer }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
  }).listen(0, '127.0.0.1');
  await once(model, 'listening');
  onTestFinished(() => void model.close());
  const baseURL = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  return JSON.stringify([{ id: 'm', provider: 'openai-compatible', baseURL, default: true }]);
};
