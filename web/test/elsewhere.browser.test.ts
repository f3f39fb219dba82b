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
  const conversationId = randomUUID();
  const link = page.locator('.item a');
  await elsewhere('POST', '/api/chat', { conversationId, messageId: randomUUID(), text: 'count 30 at 20', model: 'count' });
  await link.filter({ hasText: 'count 30 at 20' }).waitFor({ timeout: 3_000 });
  await link.locator('.mark.answering').waitFor({ timeout: 3_000 });
  await link.locator('.mark.new').waitFor({ timeout: 10_000 });
  await elsewhere('PATCH', `/api/conversations/${conversationId}`, { title: 'From the phone' });
  await link.filter({ hasText: 'From the phone' }).waitFor({ timeout: 3_000 });
  await elsewhere('DELETE', `/api/history/${conversationId}`);
  await link.waitFor({ state: 'detached', timeout: 3_000 });
});
