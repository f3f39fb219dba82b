import type { Browser, Page } from 'playwright-core';
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
const expectStill = async (page: Page, when: string): Promise<void> => {
  const { cls, shifts } = await seenIn(page);
  expect(cls, [when, ...shifts].join('\n')).toBeLessThan(STILL);
};

describe('nothing moves by itself, and a first visit is light', () => {
  test.each(LOOKS)('%s: the empty page, an answer as it comes, and the conversation opened cold', async (_name, look) => {
    await using watching = await watchFirstLoad(browser, look);
    const { page } = watching;
    await page.goto(server.url);
    await page.locator('.badge.flow').waitFor();
    await untilStill(watching);
    // Over the wire, with headers; what the service worker keeps for the time without a network comes after it.
    expect(watching.bytes()).toBeLessThan(160_000);
    await expectStill(page, 'the empty page');

    await page.locator('#composer').fill('Show me code, a list and a table');
    await page.locator('#composer').press('Enter');
    await page.locator('article.assistant[data-status="complete"] figure.code').first().waitFor();
    await untilStill(watching);
    await expectStill(page, 'while an answer comes');

    const address = page.url();
    await using again = await watchFirstLoad(browser, { ...look, storageState: await page.context().storageState() });
    await again.page.goto(address);
    await again.page.locator('article.assistant[data-status="complete"] figure.code').first().waitFor();
    await untilStill(again);
    await expectStill(again.page, 'opened cold');
    expect(again.bytes()).toBeLessThan(220_000);

    await using other = await watchFirstLoad(browser, { ...look, storageState: await page.context().storageState() });
    await other.page.goto(server.url);
    await other.page.locator('.badge.flow').waitFor();
    await untilStill(other);
    expect(other.bytes(), 'with conversations').toBeLessThan(160_000);
    await expectStill(other.page, 'with conversations');
  });
});

const wordsIn = (page: Page, least: number): Promise<unknown> =>
  page.waitForFunction((n) => (document.querySelector('article.assistant')?.textContent?.match(/w\d{6}/g)?.length ?? 0) >= n, least);

test.each(LOOKS)('%s: a page that is loaded again in the middle of an answer, until some lines later', async (_name, look) => {
  await using watching = await watchFirstLoad(browser, look);
  const { page } = watching;
  await page.goto(server.url);
  await page.locator('#composer').fill('count 150 at 20');
  await page.locator('#composer').press('Enter');
  await wordsIn(page, 10);
  await page.reload();
  await page.locator('.seam-line').waitFor();
  await wordsIn(page, 100);
  await expectStill(page, 'while the answer goes on');
  await page.locator('article.assistant[data-status="complete"] .seam-line').waitFor();
  await expectStill(page, 'when it has ended');
});

/** Where each part of the start page stands; of those that are seen. */
const places = (page: Page): Promise<Record<string, number[]>> =>
  page.evaluate(() => {
    const parts = ['.side', '.brand', '.header', '.hero h2', '.hero p', '.composer .box', '.suggestions li:first-child', '.prove'];
    const seen = (part: string): Element | undefined =>
      [...document.querySelectorAll(`.app ${part}`)].find((element) => element.getClientRects().length > 0);
    return Object.fromEntries(
      parts.map((part) => {
        const { x = 0, y = 0, width = 0, height = 0 } = seen(part)?.getBoundingClientRect() ?? {};
        return [part, [x, y, width, height].map(Math.round)];
      }),
    );
  });

/** A first visit whose scripts wait until they are let in. */
const beforeScripts = async (look: object): Promise<Awaited<ReturnType<typeof watchFirstLoad>> & { letIn(): void }> => {
  const watching = await watchFirstLoad(browser, look);
  const gate = Promise.withResolvers<void>();
  await watching.page.route(/\/assets\/index-.*\.js$/, async (route) => {
    await gate.promise;
    await route.continue();
  });
  return Object.assign(watching, { letIn: gate.resolve });
};

describe('the start page is seen before its scripts have come', () => {
  test.each([...LOOKS, ['with little height', { viewport: { width: 900, height: 500 } }]] as const)('%s', async (_name, look) => {
    await using watching = await beforeScripts(look);
    const { page, letIn } = watching;
    await page.goto(server.url, { waitUntil: 'commit' });
    await expect.poll(async () => (await seenIn(page)).lcpMs).toBeGreaterThan(0);
    const [before, { lcpMs }] = [await places(page), await seenIn(page)];
    expect(await page.locator('.hero h2:visible').textContent()).toBe(
      'locale' in look ? 'Hôm nay ta cùng nghĩ về điều gì?' : 'What shall we think about?',
    );
    letIn();
    await page.locator('.badge.flow').waitFor();
    await untilStill(watching);
    // The same picture in the same places: nothing larger came, and nothing jumped.
    expect(await places(page)).toEqual(before);
    expect((await seenIn(page)).lcpMs).toBe(lcpMs);
    await expectStill(page, 'the start page');
    expect(await page.locator('.first').count()).toBe(0);
  });

  test('at the address of a conversation it is only what stands around it, without the side that was closed', async () => {
    await using watching = await beforeScripts({});
    const { page, letIn } = watching;
    await page.addInitScript(() => localStorage.setItem('runnel:settings', '{"sidebar":false}'));
    await page.goto(`${server.url}/c/${crypto.randomUUID()}`, { waitUntil: 'commit' });
    // Asked from the first byte of the document on, when there is none yet.
    await page.waitForFunction(() => [...document.querySelectorAll('.first')].some((first) => getComputedStyle(first).display === 'flex'));
    expect(await page.locator('.first :is(h2, button, .side):visible').count()).toBe(0);
    letIn();
    await page.locator('.badge.flow').waitFor();
  });
});

test('the socket, and at the address of a conversation the parser before it, are on their way before the page is made', async () => {
  /** When each began, by the page's own clock (ms); the parser where it was asked for at all. */
  const beginnings = async (address: string): Promise<{ parser: number[]; socket: number; page: number }> => {
    await using watching = await watchFirstLoad(browser);
    const { page } = watching;
    await page.addInitScript(() => {
      const began = { socket: 0, page: 0 };
      Object.assign(window, { began });
      globalThis.WebSocket = class extends WebSocket {
        constructor(...args: ConstructorParameters<typeof WebSocket>) {
          began.socket ||= performance.now();
          super(...args);
        }
      };
      new MutationObserver(() => {
        if (document.querySelector('#composer')) began.page ||= performance.now();
      }).observe(document, { childList: true, subtree: true });
    });
    await page.goto(address);
    await page.locator('.badge.flow').waitFor();
    return await page.evaluate(() => {
      const parser = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/markdown-'));
      const { began } = window as unknown as { began: { socket: number; page: number } };
      return { ...began, parser: parser.map(({ startTime }) => startTime) };
    });
  };
  const start = await beginnings(server.url);
  expect(start).toEqual({ parser: [], socket: expect.any(Number), page: expect.any(Number) });
  expect(start.socket).toBeLessThan(start.page);
  const conversation = await beginnings(`${server.url}/c/${crypto.randomUUID()}`);
  expect(conversation.parser[0]).toBeLessThan(conversation.socket);
  expect(conversation.socket).toBeLessThan(conversation.page);
});
