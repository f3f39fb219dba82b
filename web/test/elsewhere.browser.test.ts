import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, openPage } from './browser.ts';
import { startStandalone, type Standalone } from './standalone.ts';

let server: Standalone;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startStandalone(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

test('what another device does is in the list at once: begun, being answered, answered, renamed, deleted', async () => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  // Only what is pushed: the list is read when the page connects, and not again.
  let reads = 0;
  await page.route('**/api/conversations?**', (route) => (reads++ === 0 ? route.continue() : route.abort()));
  await page.goto(`${server.url}/?user_id=ann`);
  await page.waitForFunction(() => document.querySelector('.badge')?.textContent?.includes('Live'));
  const elsewhere = async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${server.url}${path}?user_id=ann`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    expect(answer.ok).toBe(true);
  };
  const [conversationId, runId] = [randomUUID(), randomUUID()];
  const link = page.locator('.item a');
  await elsewhere('POST', '/api/chat', { conversationId, messageId: randomUUID(), runId, text: 'count 4000 at 40', model: 'count' });
  await link.filter({ hasText: 'count 4000 at 40' }).waitFor({ timeout: 3_000 });
  await link.locator('.mark.answering').waitFor({ timeout: 3_000 });
  await elsewhere('POST', '/api/cancel', { conversationId, runId });
  await link.locator('.mark.new').waitFor({ timeout: 10_000 });
  await elsewhere('PATCH', `/api/conversations/${conversationId}`, { title: 'From the phone' });
  await link.filter({ hasText: 'From the phone' }).waitFor({ timeout: 3_000 });
  await elsewhere('DELETE', `/api/history/${conversationId}`);
  await link.waitFor({ state: 'detached', timeout: 3_000 });
});

test('who opens the field of a title and types nothing has called it nothing; who types has the last word', async () => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  const conversationId = randomUUID();
  const send = async (method: string, path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}${path}?user_id=bob`, { method, headers, body: JSON.stringify(body) });
    expect(answer.ok).toBe(true);
  };
  await send('POST', '/api/chat', { conversationId, messageId: randomUUID(), text: 'count 3 at 20', model: 'count' });
  await page.goto(`${server.url}/c/${conversationId}?user_id=bob`);
  const list = page.getByRole('navigation', { name: 'Conversations' });
  const field = page.getByRole('textbox', { name: 'New title' });
  const heading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor({ timeout: 5_000 });
  await heading('count 3 at 20');
  /** While the field is open somebody else, as a model does, calls it something. */
  const meanwhile = async (title: string): Promise<void> => {
    await list
      .getByRole('button', { name: /Options/ })
      .first()
      .click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await field.waitFor();
    await send('PATCH', `/api/conversations/${conversationId}`, { title });
    await heading(title);
  };
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'PATCH' && sent.push(request.postData() ?? ''));
  await meanwhile('Counting to three');
  expect(await field.inputValue()).toBe('count 3 at 20');
  await page.keyboard.press('Enter');
  await list.getByRole('link', { name: 'Counting to three' }).waitFor({ timeout: 5_000 });
  expect(sent).toEqual([]);

  await meanwhile('Counting');
  expect(await field.inputValue()).toBe('Counting to three');
  await page.keyboard.type('Mine');
  await page.keyboard.press('Enter');
  await heading('Mine');
  await list.getByRole('link', { name: 'Mine' }).waitFor({ timeout: 5_000 });
  expect(sent).toEqual(['{"title":"Mine"}']);
});
