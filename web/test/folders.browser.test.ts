import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, openPage, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';
import { answered, startStandalone, type Standalone } from './standalone.ts';

let harness: Harness;
let server: Standalone;
let browser: Browser;
beforeAll(async () => {
  [harness, server] = await Promise.all([serveHarness(), startStandalone()]);
  browser = harness.browser;
});
afterAll(async () => {
  await Promise.all([harness[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
});

const WAIT = { timeout: 20_000 };
const nav = (page: Page) => page.getByRole('navigation', { name: /^(Conversations|Các cuộc trò chuyện)$/ });
const folder = (page: Page, name: string) => nav(page).getByRole('button', { name, exact: false }).and(page.locator('.folder'));
const titles = async (page: Page): Promise<string[]> => (await page.locator('.item a').allInnerTexts()).map((title) => title.trim());
const listed = (page: Page, expected: readonly string[]): Promise<void> => expect.poll(() => titles(page), WAIT).toEqual(expected);
const menu = async (page: Page, title: string, word: string): Promise<void> => {
  const options = page.getByRole('button', { name: `Options for “${title}”` });
  await options.focus();
  await options.press('Enter');
  await page.getByRole('menuitem', { name: word, exact: true }).press('Enter');
};
const box = (page: Page, title: string) => nav(page).getByRole('checkbox', { name: title });
const bar = (page: Page) => page.getByRole('group', { name: /^(Conversations that are chosen|Các cuộc trò chuyện đang chọn)$/ });
const calls = async (page: Page, word: RegExp): Promise<string[]> =>
  (await page.evaluate(() => window.runnel.client.calls)).filter((call) => word.test(call));

const device = async (user: string): Promise<Page> => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(`${server.url}/?user_id=${user}`);
  await page.locator('.item').first().waitFor();
  return page;
};

test('a conversation goes into a new folder, on all devices; opened it shows there alone, also after a reload; out of it the folder is gone', async () => {
  await answered(server, 'fay', ['count 1', 'count 2', 'count 3']);
  const [page, other] = [await device('fay'), await device('fay')];
  await menu(page, 'count 2', 'Move to a folder');
  const dialog = page.getByRole('dialog', { name: 'Move the conversation to' });
  await dialog.getByLabel('A new folder').fill('  Việc   nhà ');
  await page.keyboard.press('Enter');
  for (const shown of [page, other]) {
    await folder(shown, 'Việc nhà').waitFor();
    await listed(shown, ['count 3', 'count 1']);
  }
  await folder(page, 'Việc nhà').press('Enter');
  await listed(page, ['count 2', 'count 3', 'count 1']);
  expect(await folder(page, 'Việc nhà').getAttribute('aria-expanded')).toBe('true');
  await page.reload();
  await listed(page, ['count 2', 'count 3', 'count 1']);
  await menu(page, 'count 2', 'Move to a folder');
  await page.getByRole('button', { name: 'Out of its folder' }).click();
  for (const shown of [page, other]) {
    await folder(shown, 'Việc nhà').waitFor({ state: 'detached' });
    await listed(shown, ['count 3', 'count 2', 'count 1']);
  }
});

test('a folder gets another name, on all devices, open as it was; a name that there is already makes one of both', async () => {
  await answered(server, 'ren', ['count 1', 'count 2', 'count 3']);
  const [page, other] = [await device('ren'), await device('ren')];
  for (const [title, name] of [
    ['count 1', 'One'],
    ['count 2', 'Two'],
  ] as const) {
    await menu(page, title, 'Move to a folder');
    await page.getByRole('dialog').getByLabel('A new folder').fill(name);
    await page.keyboard.press('Enter');
    await folder(page, name).waitFor();
  }
  await folder(page, 'One').press('Enter');
  await listed(page, ['count 1', 'count 3']);
  const rename = async (before: string, name: string): Promise<void> => {
    const button = page.getByRole('button', { name: `Rename the folder “${before}”` });
    await button.focus();
    await button.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Rename the folder' });
    await dialog.getByLabel('Its name').fill(name);
    await expectAccessible(page);
    if (name === 'Two') await dialog.getByText('Both become one').waitFor();
    await page.keyboard.press('Enter');
  };
  await rename('One', '  Việc   nhà ');
  for (const shown of [page, other]) {
    await folder(shown, 'Việc nhà').waitFor(WAIT);
    await folder(shown, 'One').waitFor({ state: 'detached', ...WAIT });
  }
  await listed(page, ['count 1', 'count 3']);
  await rename('Việc nhà', 'Two');
  for (const shown of [page, other]) await expect.poll(() => folder(shown, 'Two').locator('.count').textContent(), WAIT).toBe('2');
  await page.reload();
  await listed(page, ['count 2', 'count 1', 'count 3']);
}, 120_000);

test('many are chosen and deleted after one question, on all devices, and stay deleted', async () => {
  await answered(server, 'gil', ['count 1', 'count 2', 'count 3', 'count 4']);
  const [page, other] = [await device('gil'), await device('gil')];
  await listed(page, ['count 4', 'count 3', 'count 2', 'count 1']);
  await menu(page, 'count 4', 'Choose several');
  await box(page, 'count 2').press('Space');
  await bar(page).getByText('2 chosen').waitFor();
  await bar(page).getByRole('button', { name: 'Delete' }).press('Enter');
  const question = page.getByRole('alertdialog', { name: 'Delete 2 conversations?' });
  await question.getByText('“count 4”, “count 2” will be deleted').waitFor();
  await question.getByRole('button', { name: 'Keep it' }).press('Enter');
  await bar(page).getByRole('button', { name: 'Delete' }).press('Enter');
  await question.getByRole('button', { name: 'Delete 2' }).press('Enter');
  for (const shown of [page, other]) await listed(shown, ['count 3', 'count 1']);
  await page.reload();
  await listed(page, ['count 3', 'count 1']);
});

describe('a server that does not take it', () => {
  test('what it refuses stays, and stays chosen; the rest is done', async () => {
    const { page } = await harness.open('folders');
    await folder(page, 'Work').click();
    await menu(page, 'A poem about a mountain stream', 'Choose several');
    await box(page, 'Retry with jitter').check();
    await box(page, 'count 200 at 20').check();
    await page.evaluate(() => void window.runnel.client.kept.refused.add('c3'));
    await bar(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete 3' }).click();
    await page.getByText('One could not be changed; it is still chosen.').waitFor();
    await bar(page).getByText('One chosen').waitFor();
    expect(await box(page, 'A poem about').isChecked()).toBe(true);
    await expect.poll(() => nav(page).getByRole('checkbox').count(), WAIT).toBe(4);
    expect((await calls(page, /^deleteConversation/)).toSorted()).toEqual([
      'deleteConversation c2',
      'deleteConversation c3',
      'deleteConversation c5',
    ]);
  });

  test('what another device deletes meanwhile is not chosen any more; a slow server shows how far it is; Escape ends the choosing', async () => {
    const { page } = await harness.open('folders');
    await menu(page, 'A poem about a mountain stream', 'Choose several');
    await box(page, 'count 200 at 20').check();
    await page.evaluate(() => {
      const { list, hear } = window.runnel.client;
      list.splice(4, 1);
      hear({ type: 'list', change: 'deleted', name: 'c5' });
    });
    await bar(page).getByText('One chosen').waitFor();
    await page.evaluate(() => window.runnel.client.kept.hold());
    await bar(page).getByRole('button', { name: 'Archive' }).click();
    await bar(page).getByText('0 of 1 done').waitFor();
    expect(await bar(page).getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true);
    await page.evaluate(() => window.runnel.client.kept.release!());
    await bar(page).waitFor({ state: 'detached' });
    expect(await calls(page, /^place/)).toEqual(['place c3 {"archived":true}']);
    // All that are to be seen: nothing out of a closed folder.
    await menu(page, 'Why does a river never run straight?', 'Choose several');
    await bar(page).getByRole('button', { name: 'All that are listed' }).click();
    const seen = await nav(page).getByRole('checkbox').count();
    await bar(page).getByText(`${seen} chosen`).waitFor();
    expect(seen).toBeLessThan((await page.evaluate(() => window.runnel.client.list)).length);
    await box(page, 'Why does a river').press('Escape');
    await bar(page).waitFor({ state: 'detached' });
  });

  test('a folder that cannot be read stays closed and says why; one of an earlier release has no folders and hides nothing', async () => {
    const { page } = await harness.open('folders');
    await folder(page, 'Work').waitFor();
    const before = await titles(page);
    await page.evaluate(() => {
      const { client } = window.runnel;
      client.listConversations = async () => Promise.reject(Object.assign(new Error('away'), { code: 'unavailable' }));
    });
    await folder(page, 'Work').click();
    await page.locator('.notice').first().waitFor();
    expect(await folder(page, 'Work').getAttribute('aria-expanded')).toBe('false');
    expect(await titles(page)).toEqual(before);
    await page.evaluate(() => {
      const { client } = window.runnel;
      client.kept.fails = 'not-found';
      client.hear({ type: 'list', change: 'missed' });
    });
    await folder(page, 'Work').waitFor({ state: 'detached' });
    expect((await titles(page)).length).toBe(before.length + 3);
  });
});

describe.each([
  ['light', {}],
  ['dark', { colorScheme: 'dark' as const }],
  ['phone in Vietnamese, dark', { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' }],
])('axe finds nothing and nothing sticks out: %s', (_, options) => {
  test('folders, choosing, the dialog and the question', async () => {
    const { page, complaints } = await harness.open('folders', options);
    const drawer = page.getByRole('button', { name: /Show conversations|Hiện các cuộc trò chuyện/ });
    if (await drawer.isVisible()) await drawer.click();
    await folder(page, 'Work').click();
    await page.locator('.filed').first().waitFor();
    await expectAccessible(page);
    const options_ = page.getByRole('button', { name: /A poem about/ });
    await options_.press('Enter');
    await page.getByRole('menuitem', { name: /^(Choose several|Chọn nhiều)$/ }).press('Enter');
    await bar(page).waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await bar(page)
      .getByRole('button', { name: /^(Move|Chuyển)$/ })
      .click();
    await page.locator('.folders').waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await bar(page)
      .getByRole('button', { name: /^(Delete|Xóa)$/ })
      .click();
    await page.getByRole('alertdialog').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });
});
