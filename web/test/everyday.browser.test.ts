import type { Browser, Page, Route } from 'playwright-core';
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

const open = async (): Promise<Page> => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(server.url);
  return page;
};
const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const answer = (page: Page) => page.locator('article.assistant').last();
const stop = (page: Page) => page.getByRole('button', { name: 'Stop the answer' });
const ask = async (page: Page, text: string): Promise<void> => {
  await composer(page).fill(text);
  await composer(page).press('Enter');
};
const words = (page: Page, count: number): Promise<unknown> =>
  page.waitForFunction((n) => (document.querySelector('article.assistant')?.textContent?.match(/w\d{6}/g)?.length ?? 0) >= n, count);

test('who types is not told that somebody is writing', async () => {
  const page = await open();
  await ask(page, 'count 3 at 50');
  await page.locator('article.assistant[data-status="complete"]').waitFor();
  const told: string[] = [];
  await page.exposeFunction('noted', (text: string) => told.push(text));
  await page.evaluate(() => {
    const seen = new MutationObserver(() => {
      const typing = document.querySelector('.typing')?.textContent;
      if (typing) void (window as unknown as { noted(text: string): void }).noted(typing);
    });
    seen.observe(document.body, { childList: true, subtree: true });
  });
  await composer(page).pressSequentially('hello', { delay: 20 });
  await ask(page, 'count 3 at 50');
  await page.locator('article.assistant[data-status="complete"]').nth(1).waitFor();
  expect(told).toEqual([]);
});

test('an Escape for a popover, a search or an input method does not stop the answer; any other does', async () => {
  const page = await open();
  await ask(page, 'count 2000 at 40');
  await words(page, 3);
  await page.locator('.badge').click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.getByRole('searchbox').fill('abc');
  await page.keyboard.press('Escape');
  await composer(page).focus();
  await composer(page).dispatchEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true });
  await words(page, 20);
  await stop(page).waitFor();
  expect(await answer(page).getAttribute('data-status')).toBe('running');
  await composer(page).press('Escape');
  await page.locator('article.assistant[data-status="cancelled"]').waitFor();
});

test('a slow scroll upwards is not pulled back while the answer grows', async () => {
  const page = await open();
  await ask(page, 'count 6000 at 300');
  await words(page, 900);
  await answer(page).hover();
  const distance = (): Promise<number> =>
    page.evaluate(() => {
      const boxes = [...document.querySelectorAll<HTMLElement>('main *')].filter(
        (box) => box.scrollHeight > box.clientHeight + 100 && getComputedStyle(box).overflowY !== 'visible' && box.tagName !== 'TEXTAREA',
      );
      const box = boxes[0]!;
      return box.scrollHeight - box.scrollTop - box.clientHeight;
    });
  for (let i = 0; i < 15; i++) await page.mouse.wheel(0, -8);
  await expect.poll(distance).toBeGreaterThan(60);
  const before = await distance();
  await words(page, 1_300);
  expect(await distance()).toBeGreaterThanOrEqual(before);
  await stop(page).click();
});

test('the suggestion to count is asked of the model that counts, and only whole answers are verified', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Prove it: count' }).click();
  await words(page, 5);
  await stop(page).click();
  await page.locator('article.assistant[data-status="cancelled"]').waitFor();
  expect(await answer(page).locator('.model').textContent()).toBe('count');
  expect(await answer(page).getByText('Verified').count()).toBe(0);
  await ask(page, 'count 5 at 50');
  await page.locator('article.assistant[data-status="complete"]').waitFor();
  await answer(page).getByText('Verified').waitFor();
});

test('the suggestion to count waits for the list of models, however late it comes, and is gone where the list does not come', async () => {
  const page = await open();
  const held: Route[] = [];
  let isHeld = true;
  await page.route('**/api/models', (route) => (isHeld ? void held.push(route) : route.continue()));
  await page.reload();
  const count = page.getByRole('button', { name: 'Prove it: count' });
  await expect.poll(() => held.length).toBeGreaterThan(0);
  expect(await count.isDisabled()).toBe(true);
  // The page asks again when it finds no list.
  isHeld = false;
  await Promise.all(held.map((route) => route.continue()));
  await count.click();
  await words(page, 5);
  expect(await answer(page).locator('.model').textContent()).toBe('count');

  const without = await open();
  await without.route('**/api/models', (route) => route.abort());
  await without.reload();
  await without.getByRole('button', { name: 'Explain' }).first().waitFor();
  await expect.poll(() => without.getByRole('button', { name: 'Prove it: count' }).count()).toBe(0);
});
