import { SignJWT } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, launch, openPage, PHONE, type Watched } from './browser.ts';
import { serveHarness } from './harness-page.ts';
import { startStandalone, type Standalone } from './standalone.ts';

const SECRET = 'a secret of more than thirty-two characters';
const JWT = { AUTH_MODE: 'jwt', JWT_SECRET: SECRET };

let server: Standalone;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startStandalone(JWT), launch()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

const tokenOf = (user: string, seconds = 3600): Promise<string> =>
  new SignJWT({ sub: user })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(SECRET));

const open = async (path = '/', options = {}, url = server.url): Promise<Watched> => {
  const watched = await openPage(browser, options);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(url + path);
  return watched;
};
const panel = (page: Page) => page.getByRole('region', { name: /Please sign in|Your sign-in has expired/ });
const field = (page: Page) => panel(page).getByLabel('Access token');
const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const answer = (page: Page) => page.locator('article.assistant').last();
const words = async (page: Page): Promise<string[]> => (await answer(page).locator('.prose').innerText()).match(/w\d{6}/g) ?? [];
const hasWords = (page: Page, count: number): Promise<void> =>
  expect.poll(async () => (await words(page)).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
const counted = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${String(i + 1).padStart(6, '0')}`);
const signIn = async (page: Page, token: string): Promise<void> => {
  await field(page).fill(token);
  await field(page).press('Enter');
  await panel(page).waitFor({ state: 'detached' });
};
const ask = async (page: Page, text: string): Promise<void> => {
  await composer(page).fill(text);
  await composer(page).press('Enter');
};

describe('with an access token', () => {
  test('a person signs in, stays signed in over a reload, and signs out', async () => {
    const { page, context, complaints } = await open();
    await panel(page).waitFor();
    expect(await composer(page).count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Please sign in');

    await field(page).fill('not.a.token');
    await panel(page).getByRole('button', { name: 'Sign in' }).click();
    await panel(page).getByText('This token was not accepted').waitFor();
    expect(await field(page).inputValue()).toBe('');
    await expect.poll(() => field(page).evaluate((input) => input === document.activeElement)).toBe(true);
    await expectAccessible(page);

    const token = await tokenOf('ann');
    await signIn(page, `Bearer ${token}\n`);
    await ask(page, 'count 3 at 50');
    await page.locator('article.assistant[data-status="complete"]').waitFor();

    const kept = await page.evaluate(() => [JSON.stringify({ ...localStorage }) + location.href, JSON.stringify({ ...sessionStorage })]);
    expect(kept.map((text) => text.includes(token))).toEqual([false, true]);
    await page.reload();
    await page.locator('article.assistant[data-status="complete"]').waitFor();
    expect(await panel(page).count()).toBe(0);

    const other = await context.newPage();
    await other.goto(server.url);
    await panel(other).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await panel(page).waitFor();
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain(token);
    expect(complaints).toEqual([]);
  });

  test('P-6 it expires in the middle of an answer: what came stays, and the rest comes after the next sign-in', async () => {
    const { page } = await open();
    await signIn(page, await tokenOf('ann', 20));
    await ask(page, 'count 300 at 12');
    await hasWords(page, 5);
    await composer(page).fill('half a thought');
    await panel(page).getByText('Your sign-in has expired').waitFor({ timeout: 40_000 });
    const seen = await words(page);
    expect(seen).toEqual(counted(seen.length));
    await expectAccessible(page);
    await signIn(page, await tokenOf('ann'));
    await page.locator('article.assistant[data-status="complete"]').waitFor();
    expect(await words(page)).toEqual(counted(300));
    await answer(page).getByText('Verified').waitFor();
    expect(await composer(page).inputValue()).toBe('half a thought');
  });

  test('another person who signs in on the same page finds nothing of the first', async () => {
    const { page } = await open('/c/of-ann');
    await signIn(page, await tokenOf('ann', 15));
    await composer(page).fill('a secret thought');
    await panel(page).getByText('Your sign-in has expired').waitFor({ timeout: 40_000 });
    await field(page).fill(await tokenOf('ben'));
    await field(page).press('Enter');
    await page.getByRole('heading', { name: 'What shall we think about?' }).waitFor();
    await page.waitForURL(`${server.url}/`);
    await page.goBack();
    await composer(page).waitFor();
    expect(await composer(page).inputValue()).toBe('');
  });

  test('P-8 a prompt that waits is sent by its writer only, whoever signs in meanwhile', async () => {
    const { page, context } = await open();
    const enter = async (user: string, path = '/'): Promise<Page> => {
      const tab = await context.newPage();
      await tab.goto(server.url + path);
      await signIn(tab, await tokenOf(user));
      return tab;
    };
    await signIn(page, await tokenOf('ann'));
    await ask(page, 'count 3 at 50');
    await page.locator('article.assistant[data-status="complete"]').waitFor();
    const path = new URL(page.url()).pathname;
    await context.setOffline(true);
    await page.locator('.badge:is(.dry, .wait)').waitFor();
    await ask(page, 'count 7 at 50');
    await page.getByText('Waits to be sent').waitFor();
    await page.close();
    await context.setOffline(false);

    const ben = await enter('ben', path);
    await ben.getByText('This conversation belongs to somebody else.').waitFor();
    const waiting = await ben.evaluate(() => Object.entries(localStorage).filter(([key]) => key.startsWith('runnel.outbox.')));
    expect(waiting.map(([, text]) => JSON.parse(text) as object)).toMatchObject([
      { text: 'count 7 at 50', userId: 'ann', status: 'queued' },
    ]);
    await ben.close();

    const ann = await enter('ann', path);
    await hasWords(ann, 7);
    expect(await ann.locator('article.user').count()).toBe(2);
  });
});

test('with an address to go to, the panel is a link that knows the way back', async () => {
  await using proxied = await startStandalone({ ...JWT, SIGN_IN_URL: '/oauth2/start?rd={return}' });
  const { page } = await open('/c/one?x=1', {}, proxied.url);
  const link = panel(page).getByRole('link', { name: 'Sign in' });
  expect(await link.getAttribute('href')).toBe('/oauth2/start?rd=%2Fc%2Fone%3Fx%3D1');
  expect(await panel(page).getByLabel('Access token').count()).toBe(0);
});

test('a session cookie speaks for the reader: no panel, nothing to sign out of', async () => {
  const watched = await openPage(browser);
  onTestFinished(() => watched.context.close());
  await watched.context.addCookies([{ name: 'runnel_session', value: await tokenOf('ann'), url: server.url }]);
  await watched.page.goto(server.url);
  await watched.page.locator('.badge.flow').waitFor();
  expect(await panel(watched.page).count()).toBe(0);
  expect(await watched.page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
});

describe('the panel below an answer', () => {
  test.each([
    { name: 'light', options: {} },
    { name: 'phone in Vietnamese, dark', options: { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' } },
  ])('is accessible and sticks out nowhere: $name', async ({ options }) => {
    await using harness = await serveHarness();
    const { page, complaints } = await harness.open('expired', options);
    await page.locator('.sign-in').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });
});
