import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, launch, openPage, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';
import { startStandalone, type Standalone } from './standalone.ts';

let server: Standalone;
let browser: Browser;
let harness: Harness;
beforeAll(async () => {
  [server, browser, harness] = await Promise.all([startStandalone(), launch(), serveHarness()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), harness[Symbol.asyncDispose]()]);
  await server[Symbol.asyncDispose]();
});

const ask = async (page: Page, text: string, status: string): Promise<void> => {
  const before = await page.locator(`article.assistant[data-status="${status}"]`).count();
  const composer = page.getByRole('textbox', { name: 'Message', exact: true });
  await composer.fill(text);
  await composer.press('Enter');
  await page.locator(`article.assistant[data-status="${status}"]`).nth(before).waitFor();
};
const mark = (page: Page) => page.getByRole('button', { name: '✓ Verified' });

test('W-10 an answer is verified when it ends and after a reload; its receipt says how it came to be and knows its text', async () => {
  const { context, page, complaints } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(server.url);
  await ask(page, 'count 12 at 100', 'complete');
  await mark(page).waitFor();
  await page.reload();
  await mark(page).click();
  const dialog = page.getByRole('dialog', { name: 'Receipt of this answer' });
  await dialog.waitFor();
  await expectAccessible(page);
  const words = Array.from({ length: 12 }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');
  expect(await dialog.innerText()).toMatch(
    /SHA-256\s+[0-9a-f]{64}\s+Length in bytes\s+\d+\s+Tokens\s+.*read, .*written.*First word after\s+\d.* s\s+Whole answer after\s+\d.* s/s,
  );
  await dialog.getByLabel('Check a text from elsewhere').fill(words);
  await dialog.getByText('This is the answer, byte for byte.').waitFor();
  await dialog.getByLabel('Check a text from elsewhere').fill(words.replace('w000007', 'w000008'));
  await dialog.getByText('This is not the answer: something differs.').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toContain('Verified');
  expect(complaints).toEqual([]);
});

test('W-10 what was stopped, what failed and what was deleted has no mark, also after a reload', async () => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(server.url);
  await ask(page, 'count 20 at 50 fail 4', 'failed');
  await ask(page, 'count 2000 at 40', 'running');
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await page.locator('article.assistant[data-status="cancelled"]').waitFor();
  await ask(page, 'count 3 at 50', 'complete');
  await mark(page).waitFor();
  await page.reload();
  await mark(page).waitFor();
  expect(await mark(page).count()).toBe(1);
  await page.getByRole('button', { name: 'Delete' }).last().click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This message was deleted.').waitFor();
  expect(await mark(page).count()).toBe(0);
});

test('W-10 a text that is not what its receipt says is told; an older answer without a receipt says nothing', async () => {
  const { page } = await harness.open('forged');
  await page.getByRole('button', { name: 'Not what the server stored' }).waitFor();
  expect(await page.locator('.proved').count()).toBe(1);
});

test.each([
  ['light', {}],
  ['dark, on a phone, in Vietnamese', { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' }],
])('the receipt is accessible and fits: %s', async (_name, options) => {
  const { page, complaints } = await harness.open('receipt', options);
  await page.locator('button.proved').click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('dl').waitFor();
  expect(await dialog.innerText()).toMatch(/ai-0 → ai-2/);
  expect(await dialog.innerText()).toMatch(/0[.,]000379/);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  expect(complaints).toEqual([]);
});
