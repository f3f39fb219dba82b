import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness({ shipped: true });
});
afterAll(() => harness[Symbol.asyncDispose]());

const MOST_NODES = 5_000;
const nodes = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    let count = 0;
    while (walker.nextNode()) count++;
    return count;
  });
const open = async (): Promise<Page> => {
  const { page } = await harness.open('huge');
  await page.waitForFunction(() => !document.querySelector('.prose.plain'));
  await page.getByText('Answer 1000').first().waitFor();
  return page;
};
/** What of the list is to be seen. */
const inWindow = (page: Page) =>
  page.evaluate(() => {
    const box = document.querySelector('.scroller')!.getBoundingClientRect();
    const seen = [...document.querySelectorAll('.column > *')].filter((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return bottom > box.top && top < box.bottom;
    });
    return { drawn: seen.some((one) => one.matches('article')), resting: seen.filter((one) => one.matches('.resting')).length };
  });
const scroller = (page: Page) => page.locator('.scroller');
/** Main-thread time of what is done, ms. */
const cost = async (page: Page, act: () => Promise<void>): Promise<number> => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000;
  const before = await spent();
  await act();
  return (await spent()) - before;
};

describe('2,000 messages and 5,000 conversations', () => {
  test('the page has few nodes, wherever one reads, and what is on the screen is drawn', async () => {
    const page = await open();
    expect(await nodes(page)).toBeLessThan(MOST_NODES);
    for (const part of [0.7, 0.3, 0]) {
      await scroller(page).evaluate((box, at) => (box.scrollTop = box.scrollHeight * at), part);
      await expect.poll(() => inWindow(page), { timeout: 10_000 }).toEqual({ drawn: true, resting: 0 });
      expect(await nodes(page)).toBeLessThan(MOST_NODES);
    }
    await page.getByText('Question 1', { exact: true }).waitFor();
    await expectAccessible(page);
  });

  test('scrolling up by the wheel never jumps: what is on the screen moves as far as the wheel does', async () => {
    const page = await open();
    await scroller(page).evaluate((box) => (box.scrollTop = box.scrollHeight / 2));
    await page.waitForFunction(() => document.querySelectorAll('article[data-message]').length > 12);
    const where = () =>
      scroller(page).evaluate((box) => {
        const all = [...document.querySelectorAll<HTMLElement>('article[data-message]')];
        const seen = all.find((one) => one.getBoundingClientRect().bottom > box.getBoundingClientRect().top + 100)!;
        return { id: seen.dataset['message']!, at: seen.getBoundingClientRect().top };
      });
    await page.mouse.move(700, 400);
    for (let i = 0; i < 12; i++) {
      const before = await where();
      await page.mouse.wheel(0, -400);
      await expect.poll(async () => (await where()).id !== before.id || (await where()).at !== before.at, { timeout: 10_000 }).toBe(true);
      const at = await page.evaluate((id) => document.querySelector(`[data-message="${id}"]`)?.getBoundingClientRect().top, before.id);
      // A smooth scroll may still be under way.
      if (at !== undefined) expect(Math.abs(at - before.at)).toBeLessThanOrEqual(420);
    }
  });

  test('another conversation and back is a moment; a letter costs what it costs in a short one', async () => {
    const page = await open();
    const costs: number[] = [];
    // The first time, the engine has yet to compile what draws: a person has been here before, and a machine has neighbours.
    for (let time = 0; time < 5; time++) {
      await page.getByRole('link', { name: 'Conversation 2', exact: true }).click();
      await page.getByText('And on the moon?').waitFor();
      const way = page.getByRole('link', { name: 'Why does a river never run straight?' }).or(page.locator('.item a').first()).first();
      const there = page.getByText('Answer 1000').first();
      costs.push(await cost(page, async () => (await way.click(), await there.waitFor())));
    }
    const back = costs.toSorted((a, b) => a - b)[2]!;
    const box = page.getByRole('textbox', { name: 'Message' });
    await box.fill('x');
    const LETTERS = 40;
    const letter = (await cost(page, () => box.pressSequentially('y'.repeat(LETTERS)))) / LETTERS;
    expect({ back, letter }, `${costs.map((ms) => ms.toFixed(0)).join(', ')} ms back, ${letter.toFixed(1)} ms a letter`).toEqual({
      back: expect.toSatisfy((ms: number) => ms < 300),
      letter: expect.toSatisfy((ms: number) => ms < 8),
    });
  });

  test('what rests is found by searching the page, is printed whole, and is there for a link to it', async () => {
    const page = await open();
    expect(
      await page.evaluate(() => (window as unknown as { find(...args: unknown[]): boolean }).find('Answer 17:', false, false, true)),
    ).toBe(true);
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    await expect.poll(() => page.locator('article[data-message]').count(), { timeout: 15_000 }).toBe(2_000);
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
    await expect.poll(() => page.locator('article[data-message]').count(), { timeout: 15_000 }).toBeLessThan(200);
  });

  test('the list shows its end, and the keyboard gets to it', async () => {
    const page = await open();
    const list = page.locator('nav.list');
    await list.evaluate((box) => (box.scrollTop = box.scrollHeight));
    await page.getByRole('link', { name: 'Conversation 5000' }).waitFor();
    expect(await page.locator('.item').count()).toBeLessThan(80);
    await page.getByRole('link', { name: 'Conversation 4999' }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toContain('5000');
  });
});
