import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { pdfOf } from '@runnel/gateway/testing/files/documents';
import { launch, openPage } from './browser.ts';
import { modelThatReads } from './says.ts';
import { startStandalone } from './standalone.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const WAIT = { timeout: 30_000 };
const device = async (address: string): Promise<Page> => {
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(address);
  return page;
};
const ask = async (page: Page, text: string): Promise<void> => {
  await page.locator('#composer').fill(text);
  await page.locator('#composer').press('Enter');
};
const whole = (page: Page) => page.locator('article.assistant[data-status="complete"]').last().waitFor(WAIT);

test('W-17 W-19 a tool that waits outlives a reload and kill -9, is approved on a second device, and runs once, with what was shown', async () => {
  await using server = await startStandalone({ MODELS: '' });
  const one = await device(`${server.url}/?user_id=ann`);
  await ask(one, 'Use the clock and the counter.');
  await one.getByText('Waits for you', { exact: true }).waitFor(WAIT);
  const shown = await one.locator('.card', { hasText: 'Counter' }).locator('pre').first().innerText();
  await one.reload();
  await one.getByText('Waits for you', { exact: true }).waitFor(WAIT);
  await server.restart();
  const { pathname } = new URL(one.url());
  const two = await device(`${server.url}${pathname}?user_id=ann`);
  await two.getByText('Waits for you', { exact: true }).waitFor(WAIT);
  expect(await two.locator('.card', { hasText: 'Counter' }).locator('pre').first().innerText()).toBe(shown);
  await two.getByRole('button', { name: 'Allow', exact: true }).click();
  await whole(two);
  await whole(one);
  expect(await one.getByText('Waits for you', { exact: true }).count()).toBe(0);
  const lines = (await readFile(join(server.dataDir, 'tools/counter.ndjson'), 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(1);
});

test('a PDF and a picture that are dropped into the box reach a model that can read them, words and pixels', async () => {
  const reader = await modelThatReads();
  await using server = await startStandalone({ MODELS: reader.models });
  const page = await device(server.url);
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 40, height: 30 } });
  const pdf = pdfOf(['The river has seven bends']);
  await page.evaluate(
    ([pdf, picture]) => {
      const bytes = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes(pdf!)], 'river.pdf', { type: 'application/pdf' }));
      data.items.add(new File([bytes(picture!)], 'river.png', { type: 'image/png' }));
      for (const type of ['dragenter', 'dragover', 'drop'])
        document.querySelector('#composer')!.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
    },
    [pdf.toString('base64'), picture.toString('base64')],
  );
  for (const name of ['river.pdf', 'river.png']) await page.locator('.files .file[data-state="done"]', { hasText: name }).waitFor(WAIT);
  await ask(page, 'What do you see?');
  await whole(page);
  expect(await page.locator('article.assistant .prose').innerText()).toBe('1 picture; words: The river has seven bends');
  const blank = await device('about:blank');
  const size = await blank.evaluate(async (url) => {
    const { width, height } = await createImageBitmap(await (await fetch(url)).blob());
    return [width, height];
  }, reader.pictures[0]!);
  expect(size).toEqual([40, 30]);
});
