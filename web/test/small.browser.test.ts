import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const box = async (page: Page, selector: string) => (await page.locator(selector).boundingBox())!;
const LOW: [string, BrowserContextOptions][] = [
  ['400 % of a window of 1280 × 800', { viewport: { width: 320, height: 200 }, deviceScaleFactor: 4 }],
  ['a phone on its side', { ...PHONE, viewport: { width: 740, height: 360 } }],
  [
    'a phone on its side, in Vietnamese and dark',
    { ...PHONE, viewport: { width: 667, height: 375 }, locale: 'vi-VN', colorScheme: 'dark' },
  ],
  ['a phone with its keyboard open', { ...PHONE, viewport: { width: 390, height: 420 } }],
];

describe.each(LOW)('B5 %s', (_name, look) => {
  test('half of the window is for the words, all that can be done can be reached, and nothing sticks out', async () => {
    const { page, complaints } = await harness.open('chat', look);
    await page.waitForFunction(() => !document.querySelector('.prose.plain'));
    const words = await box(page, '.scroller');
    expect(words.height).toBeGreaterThan(look.viewport!.height / 2);
    for (const part of ['.composer textarea', '.composer .go', '.composer .picker', '.header .badge']) {
      const { y, height, x, width } = await box(page, part);
      expect(y + height, part).toBeLessThanOrEqual(look.viewport!.height);
      expect(x + width, part).toBeLessThanOrEqual(look.viewport!.width);
    }
    await page.locator('#composer').fill('A question of some words that takes more than one line here');
    await expectNoSidewaysScroll(page);
    expect((await box(page, '.composer textarea')).width).toBeGreaterThan(150);
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  test('B6 the box of the start page is whole in sight, and the suggestions can be scrolled to', async () => {
    const { page } = await harness.open('home', look);
    const { y, height } = await box(page, '.composer .box');
    expect(y + height).toBeLessThanOrEqual(look.viewport!.height);
    await page.getByRole('list').last().locator('button').last().focus();
    const last = await box(page, '.suggestions li:last-child');
    expect(last.y + last.height).toBeLessThanOrEqual((await box(page, '.composer .box')).y + 1);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
  });
});

test('B6 the box of the start page is whole in sight on a phone of 320 × 568', async () => {
  const { page } = await harness.open('home', { ...PHONE, viewport: { width: 320, height: 568 }, locale: 'vi-VN' });
  const { y, height } = await box(page, '.composer .box');
  expect(y + height).toBeLessThanOrEqual(568);
});

test('C7 on a phone the title has the room beside a badge that has nothing to tell', async () => {
  const { page } = await harness.open('chat', PHONE);
  expect((await box(page, 'h1')).width).toBeGreaterThan(140);
  expect(await page.locator('.badge').getAttribute('aria-label')).toBe('Connection: Live');
  await page.evaluate(() =>
    window.runnel.client.connection.set({ ...window.runnel.client.connection.get(), status: 'offline', node: null }),
  );
  await page.getByText('Offline', { exact: true }).waitFor();
});

test('C4 the first moment is no alarm: neither amber nor a word of waiting, and nothing moves when it is over', async () => {
  const { page } = await harness.open('connecting');
  const hint = page.locator('#composer-hint');
  expect(await hint.textContent()).toContain('Enter');
  expect(await hint.getAttribute('class')).not.toContain('warn');
  const before = await box(page, '.badge');
  await page.evaluate(() => {
    const { client } = window.runnel;
    client.connection.set({ ...client.connection.get(), status: 'live', node: 'n', transport: 'ws' });
  });
  await page.locator('.badge.flow').waitFor();
  expect(await box(page, '.badge')).toEqual(before);
});

test('paper is light, whatever the page is', async () => {
  const { page } = await harness.open('chat', { colorScheme: 'dark' });
  await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  const ink = (): Promise<number> =>
    page
      .locator('.prose p')
      .first()
      .evaluate((words) => Number(/\d+/.exec(getComputedStyle(words).color)?.[0]));
  expect(await ink()).toBeGreaterThan(200);
  await page.emulateMedia({ media: 'print' });
  expect(await ink()).toBeLessThan(60);
});
