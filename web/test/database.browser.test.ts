import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, launch, openPage, type Watched } from './browser.ts';
import { startStandalone, type Standalone } from './standalone.ts';

// More than the run log keeps (200), so that the first of them come from the database.
const PROMPTS = 105;

let dataDir: string;
let server: Standalone;
let browser: Browser;

const start = (): Promise<Standalone> => startStandalone({ DATA_DIR: dataDir, RATE_LIMIT_PER_MINUTE: '1000' });
const call = (path: string, init: RequestInit = {}): Promise<Response> => {
  const sign = path.includes('?') ? '&' : '?';
  return fetch(`${server.url}${path}${sign}user_id=ann`, { ...init, headers: { 'content-type': 'application/json' } });
};
/** One answer at a time: the next is asked for when the last has ended. */
const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (const giveUpAt = Date.now() + 10_000; !(await condition());) {
    if (Date.now() > giveUpAt) throw new Error('not within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
const fill = async (): Promise<void> => {
  for (let i = 1; i <= PROMPTS; i++) {
    const text = i === 2 ? 'count 8 at 10' : `count ${1 + (i % 3)} at 1000`;
    const body = JSON.stringify({ conversationId: 'long', messageId: `q${i}`, runId: `r${i}`, text });
    await until(async () => (await call('/api/chat', { method: 'POST', body })).status === 202);
  }
  await until(async () => (await (await call('/api/history/long?limit=1')).text()).includes(`"r${PROMPTS}"`));
};

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'runnel-web-'));
  [server, browser] = await Promise.all([start(), launch()]);
  await fill();
  // Everything that only memory held is gone.
  await server.stop();
  server = await start();
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

const open = async (path: string): Promise<Watched> => {
  const watched = await openPage(browser);
  onTestFinished(() => watched.context.close());
  await watched.page.goto(`${server.url}${path}?user_id=ann`);
  return watched;
};
/** In their order, drawn or resting as text. */
const idsOf = (page: Page): Promise<string[]> =>
  page.locator('[data-message], [data-rest]').evaluateAll((all) =>
    all.flatMap((element) => {
      const { message, rest } = (element as HTMLElement).dataset;
      return message ? [message] : rest!.split(' ');
    }),
  );

test('scrolling up reads all of a conversation from the database, in order', async () => {
  const { page, complaints } = await open('/c/long');
  await page.locator('[data-message="q105"]').waitFor();
  for (let ids = await idsOf(page); ids.length < PROMPTS * 2; ids = await idsOf(page)) {
    const before = ids.length;
    await page.locator('.scroller').hover();
    await page.mouse.wheel(0, -20_000);
    await expect.poll(async () => (await idsOf(page)).length, { timeout: 10_000 }).toBeGreaterThan(before);
  }
  // The first is reached, and drawn for who reads it.
  await page.mouse.wheel(0, -40_000);
  await page.locator('[data-message="q1"]').waitFor();
  expect(await idsOf(page)).toEqual(Array.from({ length: PROMPTS }, (_, i) => [`q${i + 1}`, `r${i + 1}`]).flat());
  expect(complaints).toEqual([]);
});

test('what was said long ago is found, opened in its place, and watched again', async () => {
  const { page, complaints } = await open('/');
  await page.getByRole('searchbox').fill('count 8 at');
  await page.getByRole('region', { name: 'Search results' }).getByRole('link').first().click();
  const found = page.locator('[data-message="q2"][data-found]');
  await found.waitFor();
  const answer = page.locator('[data-message="r2"]');
  await answer.hover();
  await answer.getByRole('button', { name: 'Watch it being written again' }).click();
  await answer.getByRole('button', { name: 'Pause' }).waitFor();
  await answer.getByRole('slider').press('End');
  await expect.poll(() => answer.locator('.prose').innerText()).toMatch(/w000001 .* w000008/);
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

test('the trail of a conversation is shown, verified and saved', async () => {
  const { page, complaints } = await open('/audit/long');
  await page.getByText('Answer complete').first().waitFor();
  await page.getByRole('button', { name: 'Verify this trail' }).click();
  await page.getByText(/Whole: \d+ events unchanged, 210 texts/).waitFor({ timeout: 10_000 });
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as JSON lines' }).click()]);
  const events = (await readFile(await file.path(), 'utf8')).trim().split('\n');
  expect(events.length).toBeGreaterThanOrEqual(PROMPTS * 3 + 1);
  expect(complaints).toEqual([]);
});

test('a conversation is saved whole, as JSON and as Markdown', async () => {
  const { page } = await open('/c/long');
  const save = async (name: string): Promise<string> => {
    await page.getByRole('button', { name: /^Options for/ }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name }).click()]);
    return readFile(await file.path(), 'utf8');
  };
  const whole = JSON.parse(await save('Export as JSON')) as { messages: unknown[] };
  expect(whole.messages).toHaveLength(PROMPTS * 2);
  const text = await save('Export as Markdown');
  expect(text.match(/^## You said/gm)).toHaveLength(PROMPTS);
});
