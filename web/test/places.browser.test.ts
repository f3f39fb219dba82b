import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, launch, openPage, PHONE } from './browser.ts';
import { answered, startStandalone, type Standalone } from './standalone.ts';

let server: Standalone;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startStandalone(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

const THREE = ['count 1', 'count 2', 'count 3'];
const openAs = async (user: string): Promise<Page> => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(`${server.url}/?user_id=${user}`);
  await page.locator('.item').nth(2).waitFor();
  return page;
};
const titles = (page: Page): Promise<string[]> => page.locator('.item a').allInnerTexts();
const choose = async (page: Page, title: string, word: string): Promise<void> => {
  await page.getByRole('button', { name: `Options for “${title}”` }).click();
  await page.getByRole('menuitem', { name: word, exact: true }).click();
};

test('what is pinned stands on top, also after a reload and on another device, until it is not any more', async () => {
  await answered(server, 'pin', THREE);
  const [page, other] = [await openAs('pin'), await openAs('pin')];
  expect((await titles(page)).map((title) => title.trim())).toEqual(['count 3', 'count 2', 'count 1']);
  await choose(page, 'count 1', 'Pin');
  for (const shown of [page, other]) {
    await shown.getByRole('heading', { name: 'Pinned' }).waitFor({ timeout: 5_000 });
    await expect.poll(async () => (await titles(shown))[0]?.trim()).toBe('count 1');
  }
  await page.reload();
  await page.getByRole('heading', { name: 'Pinned' }).waitFor();
  expect((await titles(page))[0]?.trim()).toBe('count 1');
  await choose(page, 'count 1', 'Unpin');
  await page.getByRole('heading', { name: 'Pinned' }).waitFor({ state: 'detached' });
  expect((await titles(page)).at(-1)?.trim()).toBe('count 1');
});

test('what is archived leaves the list and comes back from the archive, with its words', async () => {
  await answered(server, 'shelf', THREE);
  const page = await openAs('shelf');
  await choose(page, 'count 2', 'Archive');
  await page.getByText('“count 2” is in the archive.').waitFor();
  await expect.poll(async () => (await titles(page)).length).toBe(2);
  await page.reload();
  await page.locator('.item').nth(1).waitFor();
  expect((await titles(page)).map((title) => title.trim())).toEqual(['count 3', 'count 1']);
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Archive' });
  await dialog.getByRole('link', { name: 'count 2' }).click();
  await page.getByText('w000002').waitFor();
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await dialog.getByRole('button', { name: '“count 2” back to the list' }).click();
  await dialog.getByText('Nothing is in the archive.').waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(async () => (await titles(page)).length).toBe(3);
});

test.each([
  ['light', {}],
  ['dark, on a phone', { ...PHONE, colorScheme: 'dark' as const }],
])('the archive is accessible and fits: %s', async (_name, options) => {
  const user = `axe${randomUUID().slice(0, 8)}`;
  await answered(server, user, THREE);
  const query = `user_id=${user}`;
  const { conversations } = (await (await fetch(`${server.url}/api/conversations?${query}`)).json()) as {
    conversations: { conversationId: string; title: string }[];
  };
  // Its answer need not be the last to end.
  const { conversationId } = conversations.find(({ title }) => title === 'count 3')!;
  const archived = await fetch(`${server.url}/api/conversations/${conversationId}?${query}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ archived: true }),
  });
  expect(archived.status).toBe(200);
  const { context, page } = await openPage(browser, options);
  onTestFinished(() => context.close());
  await page.goto(`${server.url}/?${query}`);
  const sidebar = page.getByRole('button', { name: 'Show conversations' });
  if ('isMobile' in options) await sidebar.click();
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await page.getByRole('button', { name: '“count 3” back to the list' }).waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  if (process.env['RUNNEL_PICTURES']) await page.screenshot({ path: `${process.env['RUNNEL_PICTURES']}/archive-${_name.slice(0, 4)}.png` });
});
