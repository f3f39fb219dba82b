import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, kept, launch, openPage, PHONE } from './browser.ts';
import { startStandalone, type Standalone } from './standalone.ts';

const SECRET = 'a secret of more than thirty-two characters';

let browser: Browser;
let server: Standalone;
let strict: Standalone;
let webDir: string;
beforeAll(async () => {
  webDir = await mkdtemp(join(tmpdir(), 'runnel-release-'));
  await cp(join(import.meta.dirname, '../dist'), webDir, { recursive: true });
  const servers = Promise.all([startStandalone({ WEB_DIR: webDir }), startStandalone({ AUTH_MODE: 'jwt', JWT_SECRET: SECRET })]);
  [[server, strict], browser] = await Promise.all([servers, launch()]);
});
afterAll(async () => {
  await browser.close();
  await Promise.all([server[Symbol.asyncDispose](), strict[Symbol.asyncDispose]()]);
  await rm(webDir, { recursive: true, force: true });
});

/** A page with its worker, which has kept all it needs. */
const openShell = async (url: string, options = {}) => {
  const watched = await openPage(browser, { serviceWorkers: 'allow', ...options });
  onTestFinished(() => watched.context.close());
  await watched.page.goto(url);
  return watched;
};
const hasShell = (page: Page): Promise<unknown> => page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const answers = (page: Page) => page.locator('article.assistant[data-status="complete"]');
const listed = (page: Page) => page.getByRole('navigation', { name: 'Conversations' }).getByRole('link');
const ask = async (page: Page, text: string): Promise<void> => {
  await composer(page).fill(text);
  await composer(page).press('Enter');
};
const keeps = (page: Page, text: string): Promise<void> => expect.poll(() => kept(page), { timeout: 10_000 }).toContain(text);
const cached = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    return (await Promise.all(caches_.map((cache) => cache.keys()))).flat().map(({ url }) => new URL(url).pathname);
  });
const cut = (context: BrowserContext): Promise<void> => context.setOffline(true);

describe('without a network', () => {
  test.each([
    ['a window', {}],
    ['a phone', PHONE],
  ])('the page and the last conversation open, in %s; what is sent waits over a reload and goes out by itself', async (_, options) => {
    const { page, context, complaints } = await openShell(server.url, options);
    await ask(page, 'count 4 at 50');
    await answers(page).waitFor();
    await hasShell(page);
    await keeps(page, 'w000004');
    const address = page.url();

    await cut(context);
    await page.reload();
    await answers(page).getByText('w000004').waitFor();
    await page.locator('.badge:is(.dry, .wait)').waitFor();
    await ask(page, 'count 6 at 50');
    await page.getByText('Waits to be sent').waitFor();
    await page.reload();
    await page.getByText('Waits to be sent').waitFor();
    expect(page.url()).toBe(address);

    await context.setOffline(false);
    await answers(page).nth(1).getByText('w000006').waitFor();
    expect(await page.locator('article.user').count()).toBe(2);
    expect(complaints).toEqual([]);
  });

  test('the list is there; a conversation that this device has not says so, and opens with the connection', async () => {
    const { page, context } = await openShell(server.url);
    await ask(page, 'count 8 at 50');
    await answers(page).waitFor();
    await page.getByRole('button', { name: /New chat/ }).click();
    await ask(page, 'count 3 at 50');
    await answers(page).getByText('w000003').waitFor();
    await hasShell(page);
    await keeps(page, 'w000003');
    // Both are in the list that is kept.
    await expect.poll(() => kept(page)).toMatch(/"title":"count 3[^}]*"updatedAt".*"title":"count 8[^}]*"updatedAt"/);
    await cut(context);
    await page.goto(`${server.url}/`);
    await listed(page).nth(1).waitFor();
    await listed(page).filter({ hasText: 'count 8' }).click();
    await answers(page).getByText('w000008').waitFor();
    await page.goto(`${server.url}/c/not-on-this-device`);
    await page.getByText('This conversation is not on this device.').waitFor();
    await context.setOffline(false);
    await page.getByText('This conversation is not on this device.').waitFor({ state: 'detached' });
  });

  test('P-8 only files of the build are in the cache, never what the API answers', async () => {
    const { page } = await openShell(server.url);
    await ask(page, 'count 2 at 50');
    await answers(page).waitFor();
    await hasShell(page);
    const paths = await cached(page);
    expect(paths).toContain('/');
    expect(paths.filter((path) => !/^\/($|assets\/|appearance\.js$|favicon\.svg$|site\.webmanifest$)/.test(path))).toEqual([]);
  });

  test('P-6 a server that was killed in the middle of an answer: the reload shows what had come', async () => {
    await using mortal = await startStandalone();
    const { page } = await openShell(mortal.url);
    await hasShell(page);
    await ask(page, 'count 400 at 20');
    await page.getByText('w000010').waitFor();
    // A person who leaves the tab, perhaps for good.
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await keeps(page, 'w000010');
    await mortal[Symbol.asyncDispose]();
    await page.reload();
    await page.locator('article.assistant').getByText('w000010').waitFor();
  });
});

describe('P-8 what is kept is one person’s', () => {
  const tokenOf = (user: string): Promise<string> =>
    new SignJWT({ sub: user })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(Math.floor(Date.now() / 1000) + 3600)
      .sign(new TextEncoder().encode(SECRET));
  const signIn = async (page: Page, user: string): Promise<void> => {
    await page.getByLabel('Access token').fill(await tokenOf(user));
    await page.getByLabel('Access token').press('Enter');
    // Not for the message box: what is open may be somebody else's, and has none.
    await page.getByLabel('Access token').waitFor({ state: 'detached' });
  };
  const open = async () => {
    const watched = await openShell(strict.url);
    await signIn(watched.page, 'ann');
    await ask(watched.page, 'count 5 at 50');
    await answers(watched.page).waitFor();
    await hasShell(watched.page);
    await keeps(watched.page, 'w000005');
    return { ...watched, address: watched.page.url() };
  };

  test('signing out leaves nothing', async () => {
    const { page, context, address } = await open();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Access token').waitFor();
    expect(await kept(page)).not.toContain('w000005');
    await cut(context);
    await page.goto(address);
    await page.getByText('This conversation is not on this device.').waitFor();
  });

  test('a tab without the token shows nothing of it; another person who signs in there ends it', async () => {
    const { context, address } = await open();
    const tab = await context.newPage();
    await cut(context);
    await tab.goto(address);
    await tab.getByText('This conversation is not on this device.').waitFor();
    await context.setOffline(false);
    await signIn(tab, 'ben');
    await expect.poll(() => kept(tab)).not.toContain('w000005');
    await tab.goto(strict.url);
    await composer(tab).waitFor();
    expect(await tab.getByText('w000005').count()).toBe(0);
  });
});

// The last: the server is another one then.
describe('between releases', () => {
  /** The build under another name and title, and without what the release before had. */
  const upgrade = async (): Promise<void> => {
    const before = (JSON.parse(await readFile(join(webDir, 'release.json'), 'utf8')) as { release: string }).release;
    for (const name of ['index.html', 'sw.js', 'release.json']) {
      const text = await readFile(join(webDir, name), 'utf8');
      const next = text.replaceAll(before, '0123456789abcdef').replace('<title>Runnel</title>', '<title>Runnel</title><meta name="newer">');
      await writeFile(join(webDir, name), next);
      for (const packed of ['br', 'gz']) await rm(join(webDir, `${name}.${packed}`), { force: true });
    }
    for (const name of await readdir(join(webDir, 'assets'))) if (name.startsWith('KeyList')) await rm(join(webDir, 'assets', name));
  };
  const isNewer = (page: Page): Promise<boolean> => page.evaluate(() => document.querySelector('meta[name="newer"]') !== null);

  test('a page that is open is told of the next one and goes on meanwhile; it reloads into it, and so does the page without a network', async () => {
    const { page, context, complaints } = await openShell(server.url);
    await composer(page).waitFor();
    await hasShell(page);
    const notice = page.getByRole('status').filter({ hasText: 'A new release of this page is here.' });

    await cut(context);
    await page.locator('.badge:is(.dry, .wait)').waitFor();
    await upgrade();
    await context.setOffline(false);
    await notice.waitFor();
    await expectAccessible(page);
    // What it had not loaded yet is gone from the server, and comes from this device.
    await page.locator('.new').first().focus();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    // What the click leads to is asked for next, of the page itself.
    await notice.getByRole('button', { name: 'Reload' }).click({ noWaitAfter: true });
    await expect.poll(() => isNewer(page).catch(() => false), { timeout: 15_000 }).toBe(true);
    await composer(page).waitFor();
    expect(await isNewer(page)).toBe(true);
    expect(await notice.count()).toBe(0);

    await expect
      .poll(() => page.evaluate(async () => (await caches.keys()).join()), { timeout: 15_000 })
      .toContain('runnel-shell-0123456789abcdef');
    await cut(context);
    await page.reload();
    await composer(page).waitFor();
    expect(await isNewer(page)).toBe(true);
    expect(complaints).toEqual([]);
  });
});
