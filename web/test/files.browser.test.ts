import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, launch, openPage, PHONE } from './browser.ts';
import { startStandalone, type Standalone } from './standalone.ts';

let server: Standalone;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startStandalone({ FILE_MAX_BYTES: '12000000', FILES_MAX_TOTAL_BYTES: '20000000' }), launch()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

const MIB = 1024 * 1024;
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const textFile = (name: string, text = 'Nước chảy đá mòn.\n') => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

const open = async (options = {}, path = '/') => {
  const watched = await openPage(browser, options);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(server.url + path);
  return watched;
};
const composer = (page: Page) => page.locator('#composer');
const choose = (page: Page, ...files: { name: string; mimeType: string; buffer: Buffer }[]) =>
  page.locator('input[type="file"]').setInputFiles(files);
const chip = (page: Page, name: string) => page.locator('.files .file', { hasText: name });
const whole = (page: Page, name: string) => page.locator('.files .file[data-state="done"]', { hasText: name }).waitFor();

test.each([
  ['at a desk', {}],
  ['on a phone, dark, in Vietnamese', { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' }],
])('files are added, removed, sent with a message and are there after a reload: %s', async (_name, options) => {
  const { page, complaints } = await open(options);
  await choose(page, textFile('ghi chú.txt'), textFile('other.txt'));
  await whole(page, 'ghi chú.txt');
  await whole(page, 'other.txt');
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await chip(page, 'other.txt').getByRole('button').click();
  await chip(page, 'other.txt').waitFor({ state: 'detached' });
  await composer(page).fill('count 3 at 50');
  await composer(page).press('Enter');
  await page.locator('article.assistant[data-status="complete"]').waitFor();
  await page.reload();
  const file = page.locator('article.user [data-part]');
  await file.getByText('ghi chú.txt').waitFor();
  expect(await file.count()).toBe(1);
  const [saved] = await Promise.all([page.waitForEvent('download'), file.click()]);
  expect(saved.suggestedFilename()).toBe('ghi chú.txt');
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  expect(complaints).toEqual([]);
});

test('a picture that is pasted has its thumbnail, one that is dropped is taken, and a text that does not fit becomes a file', async () => {
  const { page } = await open();
  await page.evaluate(
    (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'shot.png', { type: 'image/png' }));
      document
        .querySelector('#composer')!
        .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    },
    [...PNG],
  );
  await whole(page, 'shot.png');
  await page.locator('.files img[src^="data:image/"]').waitFor();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
    window.dispatchEvent(new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await page.getByText('Drop files here').waitFor();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await whole(page, 'dropped.txt');
  expect(await page.getByText('Drop files here').count()).toBe(0);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData('text/plain', 'dòng '.repeat(2_000));
    document
      .querySelector('#composer')!
      .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await page.getByText('A long text was pasted').waitFor();
  await whole(page, 'pasted.txt');
  expect(await composer(page).inputValue()).toBe('');
});

test('an upload that is cut goes on after a reload from where the server has it, and nobody is asked for the file again', async () => {
  const { page } = await open({}, '/?user_id=slow');
  const offsets: number[] = [];
  let cut = true;
  await page.route('**/api/files/**', async (route) => {
    const request = route.request();
    if (request.method() !== 'PATCH') return route.continue();
    const offset = Number(request.headers()['upload-offset']);
    if (cut && offset >= 4 * MIB) return route.abort();
    offsets.push(offset);
    await route.continue();
  });
  await choose(page, textFile('long.txt', 'x'.repeat(9 * MIB)));
  await page.locator('progress').waitFor();
  await expect.poll(() => offsets.length, { timeout: 10_000 }).toBe(1);
  await page.getByText(/4\d %|4\d%/).waitFor();
  await page.reload();
  cut = false;
  await whole(page, 'long.txt');
  expect(offsets[0]).toBe(0);
  expect(offsets[1]).toBe(4 * MIB);
  await page.reload();
  await whole(page, 'long.txt');
  await composer(page).fill('count 2 at 50');
  await composer(page).press('Enter');
  await page.locator('article.user [data-part]').getByText('long.txt').waitFor();
});

test('what cannot be added says why, by its code; nothing is sent without it', async () => {
  const { page } = await open({}, '/?user_id=full');
  const elf = { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0') };
  await choose(page, elf);
  await chip(page, 'a.png').getByText('Files of this type cannot be added.').waitFor();
  await composer(page).fill('hello');
  await page.getByText('A file could not be added. Try it again, or remove it.').waitFor();
  expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Remove a.png' }).click();
  await choose(page, textFile('huge.txt', 'x'.repeat(12_000_001)));
  await chip(page, 'huge.txt').getByText('This file is too large.').waitFor();
  await page.getByRole('button', { name: 'Remove huge.txt' }).click();
  await choose(page, textFile('half.txt', 'x'.repeat(11_000_000)));
  await whole(page, 'half.txt');
  await choose(page, textFile('rest.txt', 'y'.repeat(11_000_000)));
  await chip(page, 'rest.txt').getByText('There is no room for more of your files.').waitFor();
});
