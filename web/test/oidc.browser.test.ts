import OpenAI from 'openai';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startRealProvider, type RealProvider } from '@runnel/gateway/testing/oidc';
import { launch, openPage, type Watched } from './browser.ts';
import { ask, composer, counted, enter, panel, startOidcPage, words } from './oidc-page.ts';
import type { Standalone } from './standalone.ts';

// The whole product with the three variables, `oidc-provider`, and browsers.

let provider: RealProvider;
let server: Standalone;
let browser: Browser;
let url: string;

beforeAll(async () => {
  provider = await startRealProvider();
  browser = await launch();
  ({ server, url } = await startOidcPage(provider));
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

const visit = async (path = '/'): Promise<Watched> => {
  const watched = await openPage(browser);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(url + path);
  return watched;
};
const hasWords = (page: Page, count: number): Promise<void> =>
  expect.poll(async () => (await words(page)).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
/** When the page asked the server to end a session or a key: after Playwright had found the button. */
const askedAt = async (page: Page): Promise<number> => {
  await page.waitForRequest((request) => request.method() === 'DELETE');
  return performance.now();
};
const openAccount = async (page: Page) => {
  await page.getByRole('button', { name: 'Account and keys' }).click();
  return page.getByRole('dialog', { name: 'Your account' });
};

test('one signs in, comes back to where one was, and reloads in the middle of an answer: every word, once', async () => {
  const { page, complaints } = await visit('/c/oidc-1');
  await enter(page);
  expect(page.url()).toBe(`${url}/c/oidc-1`);
  await ask(page, 'count 60 at 20');
  await hasWords(page, 5);
  await page.reload();
  await page.locator('article.assistant[data-status="complete"]').waitFor({ timeout: 20_000 });
  expect(await words(page)).toEqual(counted(60));
  const dialog = await openAccount(page);
  await dialog.getByText('Member.').waitFor();
  expect(await dialog.locator('.name').innerText()).toBe('ann');
  expect(complaints).toEqual([]);
});

test(
  'ended from a second browser: this one says so, keeps the draft and what waits, and after the next sign-in nothing is missing',
  { timeout: 120_000 },
  async () => {
    provider.account = { sub: 'two-browsers', claims: { roles: ['staff'] } };
    const { page: here } = await visit('/c/oidc-2');
    await enter(here);
    // Longer than a busy machine takes to write the next two prompts.
    await ask(here, 'count 240 at 12');
    await hasWords(here, 5);
    await ask(here, 'count 3 at 50');
    await here.getByText('Goes out after this answer').waitFor();
    await composer(here).fill('half a thought');

    const { page: there } = await visit();
    await enter(there);
    const dialog = await openAccount(there);
    await dialog.locator('li[data-current]').waitFor();
    const [at] = await Promise.all([askedAt(there), dialog.getByRole('button', { name: 'Sign out everywhere else' }).click()]);
    await here.getByRole('heading', { name: 'You were signed out' }).waitFor();
    expect(performance.now() - at).toBeLessThan(3_000);
    expect(await composer(here).count()).toBe(0);
    const seen = await words(here);
    expect(seen).toEqual(counted(seen.length));

    await enter(here);
    expect(await composer(here).inputValue()).toBe('half a thought');
    await expect.poll(() => here.locator('article.assistant[data-status="complete"]').count(), { timeout: 60_000 }).toBe(2);
    expect(await here.locator('article.user').count()).toBe(2);
    expect(await here.locator('article.assistant').first().locator('.prose').innerText()).toContain('w000240');
    expect(await words(here)).toEqual(counted(3));
  },
);

test('a key made in the page works with the openai client; once it is ended its stream ends and it is refused', async () => {
  provider.account = { sub: 'with-a-key', claims: { roles: ['staff'] } };
  const { page } = await visit();
  await enter(page);
  const dialog = await openAccount(page);
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  await dialog.getByLabel('Name').fill('My script');
  await dialog.getByLabel('Name').press('Enter');
  const apiKey = await dialog.getByLabel(/“My script” is made/).inputValue();
  expect(apiKey).toMatch(/^rk_[0-9A-Za-z]{46}$/);

  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'count 3 at 50' }];
  const answer = await client.chat.completions.create({ model: 'count', messages });
  expect(answer.choices[0]!.message.content).toContain('w000003');

  const stream = await client.chat.completions.create({
    ...{ model: 'count', stream: true, messages: [{ role: 'user', content: 'count 400 at 10' }] },
  });
  let text = '';
  const read = (async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  })().catch(() => 'ended');
  await expect.poll(() => text.match(/w\d{6}/g)?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(3);
  await dialog.getByRole('button', { name: 'End “My script”' }).click();
  const [at] = await Promise.all([askedAt(page), page.getByRole('alertdialog').getByRole('button', { name: 'End' }).click()]);
  await read;
  expect(performance.now() - at).toBeLessThan(3_000);
  expect(text).not.toContain('w000400');
  await expect(client.chat.completions.create({ model: 'count', messages })).rejects.toMatchObject({ status: 401 });
  await dialog.getByRole('button', { name: 'End “My script”' }).waitFor({ state: 'detached' });
});

test('who is known but may not come in, and who meets a provider that is down, reads why', async () => {
  provider.account = { sub: 'a-guest', claims: { roles: [] } };
  const { page } = await visit('/c/oidc-4');
  await panel(page).getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('You are known, but may not use this service').waitFor();
  expect(page.url()).toBe(`${url}/c/oidc-4`);
  // While somebody is there: the gateway gets no answer of it.
  provider.account = { sub: 'ann', claims: { roles: ['staff'] } };
  provider.down = (path) => path === '/token';
  await panel(page).getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('does not answer right now').waitFor();
});

test('A-12 the page shows what a role may: an auditor reads everybody’s trail, a member reads their own', async () => {
  for (const [role, isAuditor] of [
    ['staff', false],
    ['audit', true],
  ] as const) {
    provider.account = { sub: `as-${role}`, claims: { roles: [role] } };
    const { page, complaints } = await visit('/');
    await enter(page);
    await page.goto(`${url}/audit`);
    await page.getByRole('button', { name: 'Show', exact: true }).waitFor();
    await page.getByText(isAuditor ? 'in all conversations' : 'in your conversations').waitFor();
    expect(await page.getByLabel('User').count()).toBe(isAuditor ? 1 : 0);
    if (isAuditor) await page.locator('.entry').first().waitFor({ timeout: 20_000 });
    expect(complaints).toEqual([]);
  }
});

test('A-14 where signing out does not reach the server the page says that one is still signed in, until it does', async () => {
  provider.account = { sub: 'in-a-tunnel', claims: { roles: ['staff'] } };
  const { page } = await visit();
  await enter(page);
  await page.route('**/api/sign-out', (route) => route.abort());
  const dialog = await openAccount(page);
  await dialog.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByText('You are still signed in').waitFor();
  expect(page.url()).toBe(`${url}/`);
  await page.unroute('**/api/sign-out');
  await page.keyboard.press('Escape');
  await page.locator('.notice').getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${provider.issuer}/session/end**`);
});

test('signing out ends the session here and leaves for the provider; the page afterwards knows nobody', async () => {
  provider.account = { sub: 'leaving', claims: { roles: ['audit'] } };
  const { page } = await visit();
  await enter(page);
  const dialog = await openAccount(page);
  await dialog.getByText('Auditor.').waitFor();
  await dialog.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL(`${provider.issuer}/session/end**`);
  await page.goto(url);
  await panel(page).getByRole('link', { name: 'Sign in' }).waitFor();
});
