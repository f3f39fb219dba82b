import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

test.each([
  ['light', {}, 'Show all 2400 lines', 'Show less'],
  ['a phone in Vietnamese, dark', { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' }, 'Hiện cả 2400 dòng', 'Thu gọn'],
])('C9 of a question of 2,400 lines the beginning is shown, and all of it on request: %s', async (_, options, more, less) => {
  const { page, complaints } = await harness.open('chat', options);
  await page.evaluate(() => {
    const { client, message, chain } = window.runnel;
    const { conversation } = client.view('c1').get();
    const text = Array.from({ length: 2_400 }, (_line, i) => `at line ${i} of a trace`).join('\n');
    client.change('c1', { conversation: { ...conversation, messages: chain([message('user', text), message('assistant', 'Too long.')]) } });
  });
  const speech = page.locator('.speech');
  await page.getByRole('button', { name: more }).waitFor();
  const height = async (): Promise<number> => (await speech.boundingBox())!.height;
  expect(await height()).toBeLessThan(700);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByRole('button', { name: more }).click();
  await expect.poll(height).toBeGreaterThan(20_000);
  await page.getByRole('button', { name: less }).click();
  await expect.poll(height).toBeLessThan(700);
  expect(complaints).toEqual([]);
});
