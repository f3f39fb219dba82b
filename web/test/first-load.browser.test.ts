import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, PHONE } from './browser.ts';
import { seenIn, untilStill, watchFirstLoad } from './first-load.ts';
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

const LOOKS = [
  ['at a desk', {}],
  ['on a phone, in Vietnamese', { ...PHONE, locale: 'vi-VN' }],
] as const;
/** CLS: what the page promises, on load, opening a conversation, and while an answer comes. */
const STILL = 0.02;

describe('nothing moves by itself, and a first visit is light', () => {
  test.each(LOOKS)('%s: the empty page, an answer as it comes, and the conversation opened cold', async (_name, look) => {
    await using watching = await watchFirstLoad(browser, look);
    const { page } = watching;
    await page.goto(server.url);
    await page.locator('.badge.flow').waitFor();
    await untilStill(watching);
    // Over the wire, with headers; what the service worker keeps for the time without a network comes after it.
    expect(watching.bytes()).toBeLessThan(160_000);
    expect((await seenIn(page)).cls).toBeLessThan(STILL);

    await page.locator('#composer').fill('Show me code, a list and a table');
    await page.locator('#composer').press('Enter');
    await page.locator('article.assistant[data-status="complete"] figure.code').first().waitFor();
    await untilStill(watching);
    expect((await seenIn(page)).cls, 'while an answer comes').toBeLessThan(STILL);

    const address = page.url();
    await using again = await watchFirstLoad(browser, { ...look, storageState: await page.context().storageState() });
    await again.page.goto(address);
    await again.page.locator('article.assistant[data-status="complete"] figure.code').first().waitFor();
    await untilStill(again);
    expect((await seenIn(again.page)).cls, 'opened cold').toBeLessThan(STILL);
    expect(again.bytes()).toBeLessThan(220_000);

    await using other = await watchFirstLoad(browser, { ...look, storageState: await page.context().storageState() });
    await other.page.goto(server.url);
    await other.page.locator('.badge.flow').waitFor();
    await untilStill(other);
    expect(other.bytes(), 'with conversations').toBeLessThan(160_000);
    expect((await seenIn(other.page)).cls, 'with conversations').toBeLessThan(STILL);
  });
});
