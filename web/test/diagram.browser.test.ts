import { writeFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, launch, openPage, PHONE } from './browser.ts';
import { modelThatSays } from './says.ts';
import { startStandalone } from './standalone.ts';

const ANSWER = `Here it is:

\`\`\`mermaid
graph TD;
  A[Spring] -->|by night| B{Is it <b>deep</b>?};
  B --> C["<img src=x onerror=alert(1)>"];
  click A "javascript:alert(1)"
\`\`\`

\`\`\`mermaid
pie title Rivers
  "Red" : 3
\`\`\`

And so it flows.`;

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

test('the page of the real product draws diagrams as pictures, in its colours and under its own policy; what cannot be drawn is read', async () => {
  await using server = await startStandalone({ MODELS: await modelThatSays(ANSWER) });
  const { page, context, complaints } = await openPage(browser, { locale: 'vi-VN' });
  onTestFinished(() => context.close());
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(request.url()));
  await page.goto(server.url);
  await page.locator('.badge.flow').waitFor();
  expect(loaded.filter((url) => /diagram/i.test(url))).toEqual([]);
  await page.getByRole('textbox', { name: 'Tin nhắn' }).fill('Draw');
  await page.keyboard.press('Enter');

  const picture = page.locator('.prose img');
  await picture.waitFor({ timeout: 60_000 });
  expect(await picture.evaluate(async (image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBeGreaterThan(60);
  expect(await picture.count()).toBe(1);
  await page.getByText('pie title Rivers').waitFor();
  // Nothing of it is a part of the page, or comes from elsewhere.
  expect(loaded.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([]);
  await expectAccessible(page);
  if (process.env['SHOT']) await writeFile(process.env['SHOT'], await page.screenshot());

  const light = await picture.getAttribute('src');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => picture.getAttribute('src')).not.toBe(light);
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Văn bản' }).click();
  await page.getByText('A[Spring] -->|by night| B').waitFor();
  await page.getByRole('button', { name: 'Văn bản' }).click();
  await page.setViewportSize(PHONE.viewport!);
  await picture.waitFor();
  await expectNoSidewaysScroll(page);
  expect(complaints).toEqual([]);
}, 180_000);
