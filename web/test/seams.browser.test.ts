import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

test.each([
  ['light', {}, /Another server went on: 0 words lost, [\d.]+ s/],
  [
    'a phone in Vietnamese, dark',
    { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' },
    /Máy chủ khác đã viết tiếp: không mất chữ nào, [\d,]+ giây/,
  ],
])('D6 another server goes on: the answer says so, with a thread at its side: %s', async (_, options, words) => {
  const { page, complaints } = await harness.open('moved', options);
  await page.evaluate(async () => {
    const drawn = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const { client } = window.runnel;
    const grow = (change: { moves: number; text?: string }): Promise<unknown> => {
      const { conversation } = client.view('c1').get();
      client.change('c1', { conversation: { ...conversation, run: { ...conversation.run!, ...change } } });
      return drawn();
    };
    await drawn();
    await grow({ moves: 1 });
    await grow({ moves: 1, text: 'There is no liquid water there, but lava flowed in channels once.' });
  });
  await page.getByText(words).waitFor();
  // The thread stands in the margin, where no words are.
  const { thread, text } = await page.evaluate(() => {
    const block = document.querySelector('.stitched')!;
    const box = block.getBoundingClientRect();
    const at = box.left + Number.parseFloat(getComputedStyle(block, '::before').left);
    return { thread: at, text: box.left };
  });
  expect(thread).toBeLessThan(text);
  expect(thread).toBeGreaterThanOrEqual(0);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  expect(complaints).toEqual([]);
});

test('C8 the badge says what is so now and nothing else, whatever was caught up', async () => {
  const { page } = await harness.open('chat');
  const badge = page.locator('.badge');
  await page.evaluate(() => window.runnel.client.change('c1', { lastResume: { kind: 'tail', events: 12, ms: 8 }, verified: 'verified' }));
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  expect((await badge.innerText()).trim()).toBe('Live');
  // Who asks is told.
  await badge.click();
  await page.getByText('12 events in 8 ms').waitFor();
});
