import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { launch, openPage, PHONE, type Watched } from './browser.ts';
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

const open = async (path = '/', options = {}): Promise<Watched> => {
  const watched = await openPage(browser, options);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(server.url + path);
  return watched;
};

const answer = (page: Page) => page.locator('article.assistant').last();
const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const words = async (page: Page): Promise<string[]> => (await answer(page).locator('.prose').innerText()).match(/w\d{6}/g) ?? [];
const ask = async (page: Page, text: string): Promise<void> => {
  await composer(page).fill(text);
  await composer(page).press('Enter');
};
const hasWords = (page: Page, count: number): Promise<unknown> =>
  page.waitForFunction(
    (n) => ([...document.querySelectorAll('article.assistant')].at(-1)?.textContent?.match(/w\d{6}/g)?.length ?? 0) >= n,
    count,
  );
const ended = (page: Page, status: string): Promise<unknown> => page.locator(`article.assistant[data-status="${status}"]`).last().waitFor();
const cutOff = (page: Page): Promise<unknown> => page.locator('.badge:is(.dry, .wait)').waitFor();
const counted = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${String(i + 1).padStart(6, '0')}`);

describe('a chat', () => {
  test('is typed, answered word by word, verified, and listed', async () => {
    const { page, complaints } = await open();
    await ask(page, 'count 40 at 40');
    await hasWords(page, 5);
    expect(await answer(page).getAttribute('data-status')).toBe('running');
    await ended(page, 'complete');
    expect(await words(page)).toEqual(counted(40));
    await answer(page).getByText('Verified').waitFor();
    expect(page.url()).toMatch(/\/c\/[\w-]+$/);
    await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first().waitFor();
    expect(complaints).toEqual([]);
  });

  test('P-6 a reload in the middle of an answer loses nothing', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Prove it: count' }).click();
    await hasWords(page, 10);
    await page.reload();
    await hasWords(page, 10);
    const shown = await words(page);
    expect(shown).toEqual(counted(shown.length));
    await page.locator('.foot').getByText('Opened here in the middle: 0 words lost').waitFor();
    await page.getByRole('button', { name: 'Stop the answer' }).click();
    await ended(page, 'cancelled');
  });

  test('P-1 the network goes away and comes back: the rest arrives, each word once', async () => {
    const { page, context } = await open();
    await ask(page, 'count 120 at 30');
    await hasWords(page, 10);
    await context.setOffline(true);
    await cutOff(page);
    await context.setOffline(false);
    await ended(page, 'complete');
    expect(await words(page)).toEqual(counted(120));
    await answer(page)
      .getByText(/No connection for [\d.]+ s: 0 words lost/)
      .waitFor();
    await answer(page).locator('.stitched').first().waitFor();
    await answer(page).getByText('Verified').waitFor();
  });

  test('a prompt written offline waits in sight and goes out by itself', async () => {
    const { page, context } = await open();
    await ask(page, 'count 3 at 50');
    await ended(page, 'complete');
    await context.setOffline(true);
    await cutOff(page);
    await ask(page, 'count 4 at 50');
    await page.getByText('Waits to be sent').waitFor();
    await context.setOffline(false);
    await page.waitForFunction(() => document.querySelectorAll('article.assistant[data-status="complete"]').length === 2);
    expect(await words(page)).toEqual(counted(4));
  });

  test('P-5 Escape stops an answer and what had come stays', async () => {
    const { page } = await open();
    await ask(page, 'count 500 at 40');
    await hasWords(page, 5);
    await page.keyboard.press('Escape');
    await ended(page, 'cancelled');
    await answer(page).getByText('Stopped').waitFor();
    const kept = await words(page);
    expect(kept).toEqual(counted(kept.length));
    await page.reload();
    await ended(page, 'cancelled');
    expect(await words(page)).toEqual(kept);
  });

  test('an edit makes a branch, and the old one is a click away', async () => {
    const { page } = await open();
    await ask(page, 'count 3 at 50');
    await ended(page, 'complete');
    await composer(page).press('ArrowUp');
    const editor = page.getByRole('textbox', { name: 'Edit your message' });
    await editor.fill('count 5 at 50');
    await editor.press('Enter');
    await page.locator('article.user').getByText('2/2').waitFor();
    await ended(page, 'complete');
    await hasWords(page, 5);
    await page.getByRole('button', { name: 'Previous version' }).first().click();
    await expect.poll(() => words(page)).toEqual(counted(3));
    await page.getByRole('button', { name: 'Next version' }).first().click();
    await expect.poll(() => words(page)).toEqual(counted(5));
  });

  test('answering again keeps the first answer as a version', async () => {
    const { page } = await open();
    await ask(page, 'count 3 at 50');
    await ended(page, 'complete');
    await answer(page).hover();
    await page.getByRole('button', { name: 'Answer again' }).click();
    await answer(page).getByText('2/2').waitFor();
    await ended(page, 'complete');
  });

  test('a failed answer says so and can be tried again', async () => {
    const { page } = await open();
    await ask(page, 'count 20 at 50 fail 4');
    await ended(page, 'failed');
    await answer(page).getByText('The model failed').waitFor();
    await answer(page).getByRole('button', { name: 'Try again' }).click();
    await page.waitForFunction(() => document.querySelector('article.assistant .branches')?.textContent?.includes('2/2'));
  });
});

describe('the page itself', () => {
  test('is small, compressed, and cached by content', async () => {
    const html = await (await fetch(server.url, { headers: { accept: 'text/html' } })).text();
    const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1]!);
    expect(scripts.length).toBeGreaterThan(0);
    let bytes = 0;
    for (const script of scripts) {
      const { headers } = await fetch(server.url + script, { headers: { 'accept-encoding': 'gzip' } });
      // What fits one packet is sent as it is.
      if (Number(headers.get('content-length')) >= 1_000) expect(headers.get('content-encoding')).toBe('gzip');
      expect(headers.get('cache-control')).toContain('immutable');
      bytes += Number(headers.get('content-length'));
    }
    expect(bytes).toBeLessThan(150_000);
  });

  test('obeys a strict Content-Security-Policy on a phone, too', async () => {
    const { page, complaints } = await open('/', PHONE);
    await ask(page, 'count 3 at 50');
    await ended(page, 'complete');
    await page.getByRole('button', { name: 'Show conversations' }).click();
    await page.getByRole('dialog').getByTitle('Dark').click();
    await page.keyboard.press('Escape');
    await page.locator('.badge').click();
    await page.getByText('WebSocket').waitFor();
    await page.keyboard.press('Escape');
    await answer(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await answer(page).getByText('This message was deleted.').waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('two devices', () => {
  test('see the same answer grow, and the second has all of it', async () => {
    const first = await open('/?user_id=ann');
    await ask(first.page, 'count 60 at 30');
    await hasWords(first.page, 10);
    const second = await open(new URL(first.page.url()).pathname + '?user_id=ann', { viewport: { width: 360, height: 740 } });
    await Promise.all([ended(first.page, 'complete'), ended(second.page, 'complete')]);
    expect(await words(second.page)).toEqual(counted(60));
  });

  test('somebody else is told that it is not theirs', async () => {
    const mine = await open('/?user_id=ann');
    await ask(mine.page, 'count 2 at 50');
    await ended(mine.page, 'complete');
    const theirs = await open(new URL(mine.page.url()).pathname + '?user_id=bob');
    await theirs.page.getByText('belongs to somebody else').waitFor();
  });
});

describe('the list of conversations', () => {
  const list = (page: Page) => page.getByRole('navigation', { name: 'Conversations' });

  test('renames and deletes', async () => {
    const { page, complaints } = await open();
    await ask(page, 'count 2 at 50');
    await ended(page, 'complete');
    await list(page)
      .getByRole('button', { name: /Options/ })
      .first()
      .click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('textbox', { name: 'New title' }).fill('Counting stones');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Counting stones', level: 1 }).waitFor();
    await page.reload();
    await list(page).getByRole('link', { name: 'Counting stones' }).waitFor();
    await list(page)
      .getByRole('button', { name: /Options/ })
      .first()
      .click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await list(page).getByRole('link', { name: 'Counting stones' }).waitFor({ state: 'detached' });
    await page.waitForURL(`${server.url}/`);
    expect(complaints).toEqual([]);
  });

  test('Ctrl+Shift+O begins anew, and going back finds the old one', async () => {
    const { page } = await open();
    await ask(page, 'count 2 at 50');
    await ended(page, 'complete');
    await page.keyboard.press('Control+Shift+O');
    await page.waitForURL(`${server.url}/`);
    expect(await composer(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.goBack();
    await ended(page, 'complete');
  });
});
