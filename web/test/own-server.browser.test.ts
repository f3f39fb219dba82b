import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { kept, launch, openPage } from './browser.ts';
import { startStandalone, type Standalone } from './standalone.ts';

let server: Standalone;
let strict: Standalone;
let browser: Browser;
beforeAll(async () => {
  [server, strict, browser] = await Promise.all([startStandalone(), startStandalone({ DEVICE_COPIES: 'no' }), launch()]);
});
afterAll(async () => {
  await browser.close();
  await Promise.all([server[Symbol.asyncDispose](), strict[Symbol.asyncDispose]()]);
});

const WAIT = { timeout: 20_000 };
/** A device of this person, with the answer on the screen. */
const device = async (address: string): Promise<Page> => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(address);
  return page;
};
/** A conversation with one answer; its address. */
const talk = async (of: Standalone, user: string): Promise<string> => {
  const page = await device(`${of.url}/?user_id=${user}`);
  await page.getByRole('textbox', { name: 'Message' }).fill('count 4');
  await page.keyboard.press('Enter');
  await page.locator('article.assistant[data-status="complete"]').waitFor();
  return page.url();
};
const up = (page: Page) => page.getByRole('button', { name: 'Good answer' }).last();
const openSettings = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('dialog', { name: 'Settings' }).waitFor();
};

test('a thumb, a prompt and a setting of one device are on the other at once, and after a reload', async () => {
  const address = await talk(server, 'ann');
  const [one, two] = [await device(address), await device(address)];
  await up(one).click();
  await expect.poll(() => up(two).getAttribute('aria-pressed'), WAIT).toBe('true');
  await one.reload();
  await expect.poll(() => up(one).getAttribute('aria-pressed'), WAIT).toBe('true');
  await up(two).click();
  await expect.poll(() => up(one).getAttribute('aria-pressed'), WAIT).toBe('false');

  await openSettings(one);
  await one.getByRole('dialog').getByText('Dark').click();
  await expect.poll(() => two.evaluate(() => document.documentElement.dataset['theme']), WAIT).toBe('dark');
  await one.keyboard.press('Escape');

  await one.getByRole('textbox', { name: 'Message' }).pressSequentially('/');
  await one.getByRole('button', { name: 'Add a prompt' }).click();
  await one.getByLabel('Name').fill('tóm-tắt');
  await one.getByLabel('Text').fill('Tóm tắt trong năm câu:');
  await one.getByRole('button', { name: 'Save', exact: true }).click();
  await one.getByText('/tóm-tắt').waitFor();
  await two.getByRole('textbox', { name: 'Message' }).pressSequentially('/');
  await two.getByText('/tóm-tắt').waitFor();
  await two.keyboard.type('tom');
  await two.keyboard.press('Enter');
  await expect.poll(() => two.getByRole('textbox', { name: 'Message' }).inputValue(), WAIT).toBe('Tóm tắt trong năm câu:');
});

test('an answer by another model stands beside the first, with its name', async () => {
  const page = await device(await talk(server, 'bea'));
  await page.getByRole('button', { name: 'Let another model answer' }).click();
  await page.getByRole('menuitem').first().click();
  await page.getByText('2/2').waitFor();
  const models = () => page.locator('article.assistant .model').allInnerTexts();
  const second = (await models()).at(-1);
  await page.getByRole('button', { name: 'Previous version' }).click();
  await expect.poll(async () => (await models()).at(-1), WAIT).not.toBe(second);
});

test('all that is kept of a person is one file, with its end', async () => {
  const page = await device(await talk(server, `cy-${randomUUID().slice(0, 8)}`));
  await up(page).click();
  await expect.poll(() => up(page).getAttribute('aria-pressed'), WAIT).toBe('true');
  await openSettings(page);
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save it as a file' }).click()]);
  const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\n');
  const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(expect.arrayContaining(['export', 'conversation', 'message', 'record']));
  expect(types.at(-1)).toBe('end');
});

test('a device that may not keep conversations has none from then on, in all its tabs; switched on, it has them again', async () => {
  const address = await talk(server, 'dan');
  const page = await device(address);
  await expect.poll(() => kept(page), WAIT).toContain('w000004');
  const tab = await page.context().newPage();
  await tab.goto(address);
  await tab.getByText('w000004').waitFor();
  await openSettings(page);
  const copies = page.getByRole('dialog').getByRole('switch');
  await copies.click();
  await expect.poll(() => kept(page), WAIT).not.toContain('w000004');
  // The other tab has heard of it: what happens there is not kept either.
  await tab.getByRole('textbox', { name: 'Message' }).fill('count 7');
  await tab.keyboard.press('Enter');
  await tab.getByText('w000007').waitFor();
  await tab.reload();
  await tab.getByText('w000007').waitFor();
  await openSettings(tab);
  expect(await tab.getByRole('dialog').getByRole('switch').isChecked()).toBe(false);
  expect(await kept(tab)).not.toContain('w000007');
  await tab.getByRole('dialog').getByRole('switch').click();
  await expect.poll(() => kept(tab), WAIT).toContain('w000007');
});

test('who runs the service forbids it: nothing is kept, and what was kept goes', async () => {
  const page = await device(await talk(strict, 'eve'));
  await page.getByText('w000004').waitFor();
  // Once the list is read the page has done what it does with a connection.
  await page.locator('.item').first().waitFor();
  await openSettings(page);
  await page.getByText('Whoever runs this service does not allow it.').waitFor();
  // Who leaves a conversation has it kept at that moment, where that is allowed.
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByText('What shall we think about?').waitFor();
  expect(await kept(page)).not.toContain('w000004');
  const me = (await (await fetch(`${strict.url}/api/me?user_id=eve`)).json()) as object;
  expect(me).toMatchObject({ copies: false });
  expect(await (await fetch(`${server.url}/api/me?user_id=eve`)).json()).not.toHaveProperty('copies');
  // Left by a time in which it was allowed.
  await page.evaluate(async () => {
    const opened = indexedDB.open('runnel-kept-1');
    opened.onupgradeneeded = () => opened.result.createObjectStore('conversations');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const change = opened.result.transaction('conversations', 'readwrite');
    change.objectStore('conversations').put({ text: 'left behind' }, 'c:old');
    await new Promise((resolve) => (change.oncomplete = resolve));
    opened.result.close();
  });
  await page.reload();
  await expect.poll(() => kept(page), WAIT).not.toContain('left behind');
});
