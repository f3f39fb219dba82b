import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, openPage, type Watched } from './browser.ts';
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

const open = async (path = '/'): Promise<Watched> => {
  const watched = await openPage(browser);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(server.url + path);
  return watched;
};
const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const answers = (page: Page, status: string) => page.locator(`article.assistant[data-status="${status}"]`);
const ask = async (page: Page, text: string): Promise<void> => {
  await composer(page).fill(text);
  await composer(page).press('Enter');
};
const words = (page: Page, count: number): Promise<unknown> =>
  page.waitForFunction((n) => (document.querySelector('article.assistant')?.textContent?.match(/w\d{6}/g)?.length ?? 0) >= n, count);
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName ?? 'none');

test('a prompt sent while the conversation still loads goes after what stands there', async () => {
  const { page } = await open();
  await ask(page, 'count 2 at 50');
  await answers(page, 'complete').waitFor();
  // The snapshot comes only when the reader has already sent.
  const gate = Promise.withResolvers<void>();
  await page.routeWebSocket(/\/ws\/chat/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      if (/^\{"type":"(welcome|ok|error|pong)"/.test(String(message))) socket.send(message);
      else void gate.promise.then(() => socket.send(message));
    });
  });
  await page.reload();
  await ask(page, 'count 3 at 50');
  await page.locator('article.user').waitFor();
  gate.resolve();
  await answers(page, 'complete').nth(1).waitFor();
  expect(await page.locator('article.user').count()).toBe(2);
  expect(await page.locator('.branches').count()).toBe(0);
});

test('a prompt written before the first connection survives a reload and goes out', async () => {
  const { page } = await open('/nothing-here');
  await page.routeWebSocket(/\/ws\/chat/, (socket) => void socket.close());
  await page.route(/\/api\//, (route) => route.abort());
  await page.goto(server.url);
  await ask(page, 'count 3 at 50');
  await page.getByText('Waits to be sent').waitFor();
  await page.reload();
  await page.getByText('Waits to be sent').waitFor();
  await page.unrouteAll();
  // The socket's route stands for the page: another page of the same tab's storage has none.
  const next = await page.context().newPage();
  const tab = await page.evaluate(() => ({ name: sessionStorage.getItem('runnel:page')!, url: location.href }));
  await next.addInitScript((name) => sessionStorage.setItem('runnel:page', name), tab.name);
  await page.close();
  await next.goto(tab.url);
  await answers(next, 'complete').waitFor();
  expect(await next.locator('article.user').count()).toBe(1);
});

test('what is sent during an answer waits in sight, can be taken back, and goes out after it', async () => {
  const { page } = await open();
  await ask(page, 'count 500 at 50');
  await words(page, 3);
  await ask(page, 'count 4 at 50');
  await page.getByText('Goes out after this answer').waitFor();
  await page.getByRole('button', { name: 'Take back' }).click();
  await expect.poll(() => composer(page).inputValue()).toBe('count 4 at 50');
  await composer(page).press('Enter');
  await page.getByText('Goes out after this answer').waitFor();
  expect(await answers(page, 'running').count()).toBe(1);
  // An edit would hide the answer that is coming.
  expect(await page.getByRole('button', { name: 'Edit', exact: true }).first().isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await answers(page, 'complete').waitFor();
  expect(await page.locator('article.user').count()).toBe(2);
  expect(await page.locator('.branches').count()).toBe(0);
});

test('a paste above the limit stays in the box and is told by how much', async () => {
  const { page } = await open();
  await composer(page).fill('x'.repeat(5_200));
  await page.getByText('5200 characters are too many; 5000 fit').waitFor();
  await composer(page).press('Enter');
  expect((await composer(page).inputValue()).length).toBe(5_200);
});

test('the focus stays by the message: other versions, answering again, deleting', async () => {
  const { page } = await open();
  await ask(page, 'count 2 at 50');
  await answers(page, 'complete').waitFor();
  await page.getByRole('button', { name: 'Answer again' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('article.assistant .branches').getByText('2/2').waitFor();
  await answers(page, 'complete').waitFor();
  expect(await focused(page)).not.toBe('BODY');
  await page.getByRole('button', { name: 'Previous version' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('article.assistant .branches').getByText('1/2').waitFor();
  await expect.poll(() => focused(page)).toBe('Next version');
  await page.keyboard.press('Enter');
  await page.locator('article.assistant .branches').getByText('2/2').waitFor();
  await expect.poll(() => focused(page)).toBe('Previous version');
  await page.locator('article.assistant').getByRole('button', { name: 'Delete' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This message was deleted.').waitFor();
  await expect.poll(() => focused(page)).not.toBe('BODY');
});

test('a draft and the place one reads at survive a reload; the draft is in another tab, too', async () => {
  const { page, context } = await open();
  await ask(page, 'count 900 at 3000');
  await answers(page, 'complete').waitFor();
  await page.locator('.scroller').hover();
  await page.mouse.wheel(0, -500);
  await page.getByRole('button', { name: 'Jump to the newest' }).waitFor();
  await composer(page).pressSequentially('half a thought');
  const top = (): Promise<number> => page.locator('.scroller').evaluate((element) => element.scrollTop);
  await page.waitForFunction(() => Object.keys(sessionStorage).some((key) => key.startsWith('runnel:place:')));
  const before = await top();
  await page.reload();
  await answers(page, 'complete').waitFor();
  await expect.poll(async () => Math.abs((await top()) - before)).toBeLessThan(40);
  expect(await composer(page).inputValue()).toBe('half a thought');
  const other = await context.newPage();
  await other.goto(page.url());
  await expect.poll(() => composer(other).inputValue()).toBe('half a thought');
});

test('the list has what another tab begins at once, and says where an answer is being written and where one has come', async () => {
  const { page, context } = await open();
  const other = await context.newPage();
  await other.goto(server.url);
  await ask(other, 'count 900 at 50');
  const list = page.getByRole('navigation', { name: 'Conversations' });
  await list.getByRole('link', { name: 'An answer is being written: count 900 at 50' }).waitFor();
  await other.getByRole('button', { name: 'Stop the answer' }).click();
  await list.getByRole('link', { name: 'New answer: count 900 at 50' }).waitFor();
  await list.getByRole('link', { name: 'New answer' }).click();
  await answers(page, 'cancelled').waitFor();
  await list.getByRole('link', { name: 'count 900 at 50', exact: true }).waitFor();
  // And of an answer that the reader has left.
  // Long enough that a busy machine sees it while it is written: of 2.4 s it once saw the end alone.
  await ask(page, 'count 250 at 25');
  await words(page, 2);
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await list.getByRole('link', { name: 'An answer is being written' }).waitFor();
  await list.getByRole('link', { name: 'New answer' }).waitFor();
});

test('an address with nothing at it says so, and so does a conversation deleted in another tab', async () => {
  const { page, context } = await open('/c/never-begun');
  await page.getByText('Nothing is kept at this address').waitFor();
  await page.goto(`${server.url}/foo/bar`);
  await page.getByText('There is no page at this address.').waitFor();
  await page.getByRole('button', { name: 'New chat' }).last().click();
  await ask(page, 'count 2 at 50');
  await answers(page, 'complete').waitFor();
  await page.locator('article.user time').waitFor();
  const other = await context.newPage();
  await other.goto(page.url());
  await other.locator('article.assistant[data-status="complete"]').waitFor();
  await other
    .getByRole('button', { name: /Options/ })
    .first()
    .click();
  await other.getByRole('menuitem', { name: 'Delete' }).click();
  await other.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This conversation was deleted.').waitFor();
  expect(await composer(page).count()).toBe(0);
});

test('a question goes to the top when it is sent; a failure is told with its reason; Verified stays with its conversation', async () => {
  const { page } = await open();
  await ask(page, 'count 60 at 60');
  await answers(page, 'complete').waitFor();
  await answers(page, 'complete').getByText('Verified').waitFor();
  await ask(page, 'count 2000 at 20');
  await answers(page, 'running').waitFor();
  const top = (): Promise<number> =>
    page.evaluate(
      () =>
        [...document.querySelectorAll('article.user')].at(-1)!.getBoundingClientRect().top -
        document.querySelector('.scroller')!.getBoundingClientRect().top,
    );
  await expect.poll(top).toBeLessThan(60);
  expect(await top()).toBeGreaterThanOrEqual(-2);
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await answers(page, 'cancelled').waitFor();
  await ask(page, 'count 20 at 50 fail 4');
  await answers(page, 'failed').waitFor();
  await page.getByText('The count failed after 4 words').waitFor();
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await ask(page, 'count 900 at 50');
  await words(page, 2);
  expect(await page.getByText('Verified').count()).toBe(0);
});
