import type { Browser, Page } from 'playwright-core';
import { startRealProvider, type RealProvider } from '@runnel/gateway/testing/oidc';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startFront, type Front, type Way } from './behind-nginx.ts';
import { launch, openPage } from './browser.ts';
import { ask, composer, counted, enter, panel, startOidcPage, words } from './oidc-page.ts';
import { freePort } from '@runnel/kit/testing';
import type { Standalone } from './standalone.ts';

// One host with other applications: nginx has the whole product below a path of it, and people sign in with a real provider.

const PREFIX = '/tools/chat';
const WAIT = { timeout: 30_000 };

let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

const answered = (page: Page): Promise<void> => page.locator('article.assistant[data-status="complete"]').last().waitFor(WAIT);
const shellIsKept = (page: Page): Promise<unknown> => page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
/** What this page keeps in the browser, by its names. */
const names = (page: Page): Promise<string[]> =>
  page.evaluate(async () => [
    ...Object.keys(localStorage),
    ...Object.keys(sessionStorage),
    ...(await indexedDB.databases()).map(({ name }) => name ?? ''),
    ...(await caches.keys()),
  ]);

describe.each<Way>(['leaves', 'takes'])('a proxy that %s the prefix', (way) => {
  let provider: RealProvider;
  let server: Standalone;
  let front: Front;
  let origin: string;
  let url: string;
  beforeAll(async () => {
    provider = await startRealProvider();
    provider.account = { sub: 'ann', claims: { roles: ['audit'] } };
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    ({ server, url } = await startOidcPage(provider, { PUBLIC_URL: origin + PREFIX, TRUST_PROXY: '1' }));
    front = await startFront({ port, gateway: Number(new URL(server.url).port), prefix: PREFIX, way });
  });
  afterAll(async () => {
    await front?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await provider?.close();
  });

  const visit = async (path: string, options = {}) => {
    const watched = await openPage(browser, options);
    onTestFinished(() => watched.context.close());
    await watched.page.goto(url + path);
    return watched;
  };

  test('sign in, ask, reload in the middle, upload, open without a network, sign out: all below the prefix', async () => {
    const { page, context, complaints } = await visit('/c/below-1?x=1', { serviceWorkers: 'allow' });
    await enter(page);
    expect(page.url()).toBe(`${url}/c/below-1?x=1`);

    await ask(page, 'count 60 at 20');
    await expect.poll(async () => (await words(page)).length, WAIT).toBeGreaterThanOrEqual(5);
    await page.reload();
    await answered(page);
    expect(await words(page)).toEqual(counted(60));

    await page.locator('input[type="file"]').setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('Nước chảy.') });
    await page.locator('.files .file[data-state="done"]').waitFor(WAIT);
    await ask(page, 'count 3 at 50');
    await page.locator('article.assistant[data-status="complete"]').nth(1).waitFor(WAIT);
    const file = page.locator('article.user [data-part]').getByText('a.txt');
    const [saved] = await Promise.all([page.waitForEvent('download'), file.click()]);
    expect(saved.suggestedFilename()).toBe('a.txt');

    const listed = page.getByRole('navigation', { name: 'Conversations' }).getByRole('link');
    expect(await listed.first().getAttribute('href')).toBe(`${PREFIX}/c/below-1?x=1`);
    await page.getByRole('link', { name: 'Runnel' }).click();
    expect(page.url()).toBe(`${url}/?x=1`);
    await listed.first().click();
    expect(page.url()).toBe(`${url}/c/below-1?x=1`);

    await shellIsKept(page);
    await expect.poll(() => names(page), WAIT).toContain(`${PREFIX}/runnel-kept-1`);
    // Kept by the page as it is when the answer has ended; a reload of it must find that.
    await context.setOffline(true);
    await expect
      .poll(async () => {
        await page.reload();
        return (await composer(page).isVisible()) && (await words(page)).length;
      }, WAIT)
      .toBe(3);
    await context.setOffline(false);
    await page.locator('.badge.flow').waitFor(WAIT);
    expect((await names(page)).filter((name) => !name.startsWith(`${PREFIX}/`))).toEqual([]);

    await page.getByRole('button', { name: 'Account and keys' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(`${provider.issuer}/session/end**`, WAIT);
    expect(new URL(page.url()).searchParams.get('post_logout_redirect_uri')).toBe(`${url}/`);
    expect(complaints).toEqual([]);
    // All of that at this nginx, and nothing of it at the other application.
    const elsewhere = (await front.asked()).filter((target) => !target.startsWith(`${PREFIX}/`));
    expect(elsewhere.filter((target) => target !== '/')).toEqual([]);
  }, 240_000);

  test('A-15 signing out at the provider ends the session here through its back-channel, which is below the prefix as well', async () => {
    const { page, context } = await visit('/c/below-2');
    await enter(page);
    await ask(page, 'count 400 at 20');
    await expect.poll(async () => (await words(page)).length, WAIT).toBeGreaterThanOrEqual(5);
    await composer(page).fill('half a thought');
    const there = await context.newPage();
    await there.goto(`${provider.issuer}/session/end`);
    const at = performance.now();
    await there.getByRole('button', { name: /yes/i }).click();
    await page.getByRole('heading', { name: 'You were signed out' }).waitFor(WAIT);
    // The page shows it; what lived of the session is closed within a second (A-15 in the tests of a gateway).
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(await front.asked()).toContain(`${PREFIX}/api/sign-in/back-channel`);
    await enter(page);
    expect(await composer(page).inputValue()).toBe('half a thought');
  }, 120_000);

  test('a page of another path is not ours, the provider finds its way in, and the API describes itself where it is', async () => {
    expect(await (await fetch(`${origin}/c/below-1`)).text()).toBe('another application');
    expect((await fetch(`${url}/api/sign-in/back-channel`, { method: 'POST', body: new URLSearchParams({}) })).status).toBe(400);
    const { page, complaints } = await visit('/api/docs');
    await page.locator('.opblock').first().waitFor(WAIT);
    expect(complaints).toEqual([]);
    await page.goto(url);
    await panel(page).waitFor(WAIT);
    expect(page.url()).toBe(`${url}/`);
  }, 120_000);
});
