import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startRealProvider, type RealProvider } from '@runnel/gateway/testing/oidc';
import { launch, openPage } from './browser.ts';
import { ask, composer, counted, enter, panel, startOidcPage, words } from './oidc-page.ts';
import type { Standalone } from './standalone.ts';

// A provider whose tokens live for two seconds, and answers that take ten.

let provider: RealProvider;
let server: Standalone;
let browser: Browser;
let url: string;
beforeAll(async () => {
  browser = await launch();
  provider = await startRealProvider({ accessSeconds: 2 });
  ({ server, url } = await startOidcPage(provider, { SESSION_CHECK_SECONDS: '1' }));
});
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await provider?.close();
});
beforeEach(() => {
  provider.account = { sub: 'ann', claims: { roles: ['staff'] } };
  provider.down = false;
});

const renewals = (): number => provider.asked.filter((path) => path === '/token').length;
const answering = (page: Page) => page.locator('article.assistant').last();

/** Somebody signed in, in the middle of an answer and of the next sentence. `navigations`: how often the page was left since then. */
const inTheMiddle = async (conversation: string) => {
  const { context, page, complaints } = await openPage(browser);
  onTestFinished(() => context.close());
  await page.goto(`${url}/c/${conversation}`);
  await enter(page);
  let navigations = 0;
  page.on('framenavigated', () => navigations++);
  await page.evaluate(() => Object.assign(globalThis, { mark: 'the same page' }));
  await ask(page, 'count 500 at 50');
  await composer(page).fill('half a thought');
  await expect.poll(async () => (await words(page)).length, { timeout: 20_000 }).toBeGreaterThan(5);
  const isSame = async (): Promise<boolean> =>
    (await page.evaluate(() => 'mark' in globalThis)) && navigations === 0 && (await composer(page).inputValue()) === 'half a thought';
  return { page, complaints, isSame };
};
const isWhole = async (page: Page): Promise<void> => {
  await page.locator('article.assistant[data-status="complete"]').waitFor({ timeout: 40_000 });
  expect(await words(page)).toEqual(counted(500));
};

test('A-18 a session whose tokens expire in the middle of an answer is renewed in silence: the answer is whole, nothing is loaded anew, the draft stays', async () => {
  const { page, complaints, isSame } = await inTheMiddle('renewal-1');
  const before = renewals();
  await expect.poll(renewals, { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 2);
  expect(await answering(page).getAttribute('data-status')).toBe('running');
  await isWhole(page);
  expect([await panel(page).count(), await isSame(), complaints]).toEqual([0, true, []]);
});

test('A-18 the provider is away when they expire, and comes back with other keys: nobody notices', async () => {
  const { page, complaints, isSame } = await inTheMiddle('renewal-2');
  provider.down = true;
  const before = renewals();
  await expect.poll(renewals, { timeout: 20_000 }).toBeGreaterThan(before);
  await provider.rotateKeys();
  provider.down = false;
  const away = renewals();
  await expect.poll(renewals, { timeout: 20_000 }).toBeGreaterThan(away + 1);
  await isWhole(page);
  expect([await panel(page).count(), await isSame(), complaints]).toEqual([0, true, []]);
});

test('A-18 who is no longer let in when they expire reads so; words and draft stay, and the answer goes on without them', async () => {
  const { page } = await inTheMiddle('renewal-3');
  provider.account = { sub: 'ann', claims: { roles: ['nobody any more'] } };
  await page.getByRole('heading', { name: 'You were signed out' }).waitFor();
  const seen = await words(page);
  expect(seen).toEqual(counted(seen.length));
  provider.account = { sub: 'ann', claims: { roles: ['staff'] } };
  await enter(page);
  expect(await composer(page).inputValue()).toBe('half a thought');
  await isWhole(page);
});
