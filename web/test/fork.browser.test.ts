import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, launch, openPage, PHONE } from './browser.ts';
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

const WAIT = { timeout: 30_000 };
const open = async (options = {}) => {
  const watched = await openPage(browser, options);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(server.url);
  return watched;
};
const answers = (page: Page) => page.locator('article.assistant[data-status="complete"]');
const ask = async (page: Page, text: string, count: number): Promise<void> => {
  await page.locator('#composer').fill(text);
  await page.locator('#composer').press('Enter');
  await expect.poll(() => answers(page).count(), WAIT).toBe(count);
};
const isAt = (page: Page, address: (url: string) => boolean): Promise<void> => expect.poll(() => address(page.url()), WAIT).toBe(true);

test.each([
  ['at a desk', {}, 'Go on in a new conversation'],
  ['on a phone, in Vietnamese', { ...PHONE, locale: 'vi-VN' }, 'Tiếp tục trong cuộc trò chuyện mới'],
])('one goes on from a message in a conversation of its own, and the first stays as it was: %s', async (_, options, label) => {
  const { page, complaints } = await open(options);
  await ask(page, 'count 3 at 50', 1);
  await ask(page, 'count 4 at 50', 2);
  const source = page.url();
  const button = answers(page).first().getByRole('button', { name: label });
  await answers(page).first().hover();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await button.click();
  await isAt(page, (url) => url !== source && url.includes('/c/'));
  await expect.poll(() => answers(page).count(), WAIT).toBe(1);
  expect(await answers(page).innerText()).toContain('w000003');
  const branch = page.url();
  await ask(page, 'count 5 at 50', 2);
  await page.reload();
  await expect.poll(() => answers(page).count(), WAIT).toBe(2);
  expect(await answers(page).last().innerText()).toContain('w000005');

  await page.goto(source);
  await expect.poll(() => answers(page).count(), WAIT).toBe(2);
  expect(await answers(page).last().innerText()).toContain('w000004');
  expect(branch).not.toBe(source);
  expect(complaints).toEqual([]);
});

test('a fork whose answer was lost is not made twice', async () => {
  const { page } = await open();
  await ask(page, 'count 2 at 50', 1);
  const source = page.url();
  const ids: string[] = [];
  await page.route('**/fork*', async (route) => {
    ids.push((route.request().postDataJSON() as { conversationId: string }).conversationId);
    // It arrives, and its answer does not.
    const answer = await route.fetch();
    await (ids.length === 1 ? route.abort() : route.fulfill({ response: answer }));
  });
  const button = answers(page).getByRole('button', { name: 'Go on in a new conversation' });
  await answers(page).hover();
  await button.click();
  await expect.poll(() => ids.length, WAIT).toBe(1);
  await page.locator('[role="alert"], .notice').first().waitFor(WAIT);
  expect(page.url()).toBe(source);
  await button.click();
  await isAt(page, (url) => url !== source);
  expect(ids[1]).toBe(ids[0]);
  expect(page.url()).toContain(ids[0]);
});
