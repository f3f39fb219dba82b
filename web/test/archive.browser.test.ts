import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const open: Harness['open'] = (scene, options) => harness.open(scene, options);
const calls = (page: Page): Promise<string[]> => page.evaluate(() => window.runnel.client.calls);

const LOOKS = [
  { name: 'light', options: { colorScheme: 'light' as const } },
  { name: 'dark', options: { colorScheme: 'dark' as const } },
  { name: 'phone', options: PHONE },
  { name: 'phone in Vietnamese, dark', options: { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' } },
];

/** Opens the player of the last answer. */
const replay = async (page: Page): Promise<void> => {
  await page
    .locator('article.assistant')
    .last()
    .getByRole('button', { name: /Watch it|Xem lại/ })
    .click();
  await page.locator('.player .marks').waitFor();
};

describe.each(LOOKS)('axe finds nothing and nothing sticks out: $name', ({ options }) => {
  test.each(['audit', 'auditAdmin'])('%s', async (scene) => {
    const { page, complaints } = await open(scene, options);
    await page.locator('.entry').first().waitFor();
    if (scene === 'audit') await page.locator('.tools button').first().click();
    await page.locator(scene === 'audit' ? '.verdict' : 'table').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });

  test('the player', async () => {
    const { page, complaints } = await open('chat', options);
    await replay(page);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });
});

describe('search', () => {
  const field = (page: Page) => page.getByRole('searchbox', { name: 'Search' });

  test('shows where the words stand, with and without diacritics, and is accessible', async () => {
    const { page } = await open('chat');
    await field(page).fill('duong den ha giang');
    const results = page.getByRole('region', { name: 'Search results' });
    await results.getByRole('link').first().waitFor();
    expect(await results.locator('mark').allTextContents()).toEqual(['Đường', 'đến', 'Hà', 'Giang', 'Ha', 'Giang']);
    await page.getByText('2 messages found').waitFor({ state: 'attached' });
    await expectAccessible(page);
    await field(page).press('Escape');
    await page.getByRole('navigation', { name: 'Conversations' }).waitFor();
  });

  test('is typed, walked through and opened with the keyboard', async () => {
    const { page } = await open('chat');
    await field(page).fill('giang');
    await page.getByRole('region', { name: 'Search results' }).getByRole('link').first().waitFor();
    await field(page).press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => field(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/c\/c4#found-c4$/);
    // The server is asked once for what was typed in one go.
    expect((await calls(page)).filter((call) => call.startsWith('search'))).toEqual(['search giang']);
  });

  test('says that there is nothing', async () => {
    const { page } = await open('chat');
    await field(page).fill('nothing like it');
    await page.getByText('No message has these words.').waitFor();
  });

  test('a message that is older than what is loaded is brought, shown in the middle and marked, and so are the words', async () => {
    const { page } = await open('long');
    await field(page).fill('older');
    await page.evaluate(() => {
      history.pushState(null, '', '/c/c1#older-7');
      dispatchEvent(new PopStateEvent('popstate'));
    });
    const target = page.locator('[data-message="older-7"][data-found]');
    await target.waitFor();
    const box = (await target.boundingBox())!;
    expect(box.y).toBeGreaterThan(0);
    expect(box.y).toBeLessThan(800);
    expect(await page.evaluate(() => [...(CSS.highlights.get('found') ?? [])].map(String))).toEqual(['Older']);
  });
});

describe('the replay player', () => {
  const text = (page: Page): Promise<string> => page.locator('.replay .prose').innerText();
  const slider = (page: Page) => page.getByRole('slider', { name: 'Place in the replay' });

  test('plays, pauses, is scrubbed and jumps to its markers', async () => {
    const { page } = await open('chat');
    await replay(page);
    await page.waitForFunction(() => document.querySelector('.replay .prose')?.textContent?.includes('river'));
    await page.getByRole('button', { name: 'Pause' }).click();
    const stopped = await slider(page).inputValue();
    expect(Number(stopped)).toBeLessThan(12_000);
    await page.getByRole('button', { name: '0:06.5 Taken over by ai-2' }).click();
    await page.getByText('0:06.5 / 0:12.0').waitFor();
    const atTakeover = await text(page);
    await slider(page).press('End');
    await expect.poll(() => text(page)).toContain('carries.');
    expect((await text(page)).length).toBeGreaterThan(atTakeover.length);
    await slider(page).press('Home');
    await expect.poll(() => text(page)).toBe('');
    expect(await slider(page).getAttribute('aria-valuetext')).toBe('0:00.0 of 0:12.0');
  });

  test('speed is speed: sixteen times as fast ends within the second', async () => {
    const { page } = await open('chat');
    await replay(page);
    await page.getByText('16×').click();
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor({ timeout: 5_000 });
    expect(await slider(page).inputValue()).toBe('12000');
  });

  test('C6 nothing lies over its marks while one reads above', async () => {
    const { page } = await open('chat');
    await replay(page);
    await page.getByRole('button', { name: '0:06.5 Taken over by ai-2' }).waitFor();
    const scrolled = (): Promise<number> => page.locator('.scroller').evaluate(({ scrollTop }) => scrollTop);
    const before = await scrolled();
    await page.locator('.scroller').hover();
    await page.mouse.wheel(0, -100);
    await expect.poll(scrolled, { timeout: 10_000 }).toBeLessThan(before);
    await expect.poll(() => page.evaluate(() => getComputedStyle(document.querySelector('.jump')!).display)).toBe('none');
    // Those that are to be seen: one has scrolled, and some are below.
    const seen = await page.evaluate(() => {
      const { bottom } = document.querySelector('.scroller')!.getBoundingClientRect();
      return [...document.querySelectorAll('.player button')].flatMap((button) => {
        const { left, top, width, height } = button.getBoundingClientRect();
        return top + height < bottom ? [button.contains(document.elementFromPoint(left + width / 2, top + height / 2))] : [];
      });
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).not.toContain(false);
  });

  test('a hole in the timeline is marked, what is below stays in place, and Escape brings the answer back', async () => {
    const { page } = await open('chat');
    const composer = page.locator('.composer');
    const before = await composer.boundingBox();
    await replay(page);
    await page.getByRole('button', { name: /Timing not recorded/ }).waitFor();
    expect(await composer.boundingBox()).toEqual(before);
    await page.keyboard.press('Escape');
    await page.locator('.replay').waitFor({ state: 'detached' });
  });
});

describe('the audit page', () => {
  test('everybody sees their own, page by page', async () => {
    const { page } = await open('audit');
    await page.getByText('Answer complete').first().waitFor();
    expect(await page.getByLabel('User').count()).toBe(0);
    await page.getByRole('button', { name: 'Show later events' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.entry').length === 12);
    await page.getByRole('button', { name: 'Verify this trail' }).click();
    await page.getByText('Whole: 12 events unchanged').waitFor();
    expect(await calls(page)).toContain('trail {"conversationId":"c1"}');
  });

  test.each([
    ['an admin', 'auditAdmin'],
    ['A-12 an auditor', 'auditAuditor'],
  ])('%s asks about anybody, follows a conversation, and sees figures', async (_who, scene) => {
    const { page } = await open(scene);
    await page.getByRole('cell', { name: '1,204' }).waitFor();
    await page.getByLabel('User').fill('ann');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await expect.poll(() => calls(page)).toContain('trail {"userId":"ann","all":true}');
    await page.getByRole('button', { name: 'c1' }).first().click();
    await page.waitForURL(/\/audit\/c1\?.*who=ann$/);
    await expect.poll(() => calls(page)).toContain('trail {"conversationId":"c1","userId":"ann","all":true}');
  });

  test('C10 what was asked is in the address, is asked again by a reload, and goes with the page; a wrong id is told in words', async () => {
    const { page } = await open('auditAdmin');
    await page.getByLabel('User').fill('ann');
    await page.getByLabel('From').fill('2026-03-14T09:30');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.waitForURL(/\?.*who=ann&from=2026-03-14T09%3A30$/);
    // The harness is a file of its own: a page that is loaded anew has the same question.
    const { search } = new URL(page.url());
    await page.goto(`${harness.address('auditAdmin')}&${search.slice(1)}`);
    await page.locator('.entry').first().waitFor();
    await expect.poll(() => calls(page)).toContainEqual(expect.stringMatching(/"userId":"ann","from":\d+/));
    expect(await page.getByLabel('From').inputValue()).toBe('2026-03-14T09:30');
    await page.getByRole('textbox', { name: 'Conversation' }).fill('not an id');
    await page.getByText('An id has letters, digits, _ and -, 64 at most.').waitFor();
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.waitForURL((url) => !url.search.includes('who='));
  });

  test('saves the trail as a file', async () => {
    const { page } = await open('audit');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export as CSV' }).click()]);
    expect(file.suggestedFilename()).toBe('trail.csv');
    expect(await readFile(await file.path(), 'utf8')).toBe('time\r\n');
  });
});
