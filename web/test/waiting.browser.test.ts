import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, openPage } from './browser.ts';
import { startStandalone } from './standalone.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const open = async (url: string): Promise<Page> => {
  const { page, context } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(url);
  return page;
};
const ask = async (page: Page, text: string): Promise<void> => {
  const composer = page.getByRole('textbox', { name: 'Message' });
  await composer.fill(text);
  await composer.press('Enter');
};

test('B7 who waits for a pod is shown the place in line, and then the answer', async () => {
  await using server = await startStandalone({ MAX_RUNS: '1' });
  const first = await open(server.url);
  await ask(first, 'count 400 at 20');
  await first.locator('article.assistant .prose').waitFor();
  const waiting = await Promise.all([open(server.url), open(server.url)]);
  await ask(waiting[0]!, 'count 3 at 100');
  await waiting[0]!.getByText('1st in line').waitFor();
  await ask(waiting[1]!, 'count 3 at 100');
  await waiting[1]!.getByText('2nd in line').waitFor();
  await first.getByRole('button', { name: 'Stop' }).click();
  for (const page of waiting) await page.locator('article.assistant[data-status="complete"]').waitFor();
});

test('B15 an answer that was cut by its length is gone on with by one click', async () => {
  const asked: string[] = [];
  const model = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    const { messages } = JSON.parse(body) as { messages: { content: string }[] };
    asked.push(messages.map(({ content }) => content).join(' | '));
    const chunk = (delta: object, finish_reason: string | null): string =>
      `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const [content, finish] = asked.length === 1 ? ['The first half', 'length'] : [' and the second.', 'stop'];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${chunk({ content }, null)}${chunk({}, finish!)}data: [DONE]\n\n`);
  }).listen(0, '127.0.0.1');
  await once(model, 'listening');
  onTestFinished(() => void model.close());
  const baseURL = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  await using server = await startStandalone({
    MODELS: JSON.stringify([{ id: 'm', provider: 'openai-compatible', baseURL, default: true }]),
  });
  const page = await open(server.url);
  await ask(page, 'Tell me all');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('The first half and the second.').waitFor();
  expect(asked.at(-1)).toMatch(/^Tell me all \| The first half \| Your answer was cut off\./);
  expect(await page.getByRole('button', { name: 'Continue' }).count()).toBe(0);
});
