import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectAccessible } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';
import { modelThatSays } from './says.ts';
import { startStandalone } from './standalone.ts';
import { openPage } from './browser.ts';
import { costOfChunk, grow, KINDS, startAnswer } from './rendering-costs.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const streamed = async (text: string): Promise<Page> => {
  const { page } = await harness.open('streaming');
  await page.waitForFunction(() => !document.querySelector('.prose.plain'));
  await startAnswer(page, text);
  return page;
};
const prose = (page: Page) => page.locator('article.assistant').last().locator('.prose');

describe('the cost of one more chunk does not grow with its block', () => {
  test.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s', async (kind) => {
    const page = await streamed('');
    const small = await costOfChunk(page, kind, 20);
    const large = await costOfChunk(page, kind, 500);
    // Thread time, so that what else the machine does is not counted. Finished paragraphs are each an element that the browser looks at again.
    const most = Math.max(8, small * (kind === 'paragraphs' ? 2.5 : 2));
    expect(large, `${small.toFixed(1)} ms at 20, ${large.toFixed(1)} ms at 500`).toBeLessThan(most);
  });
});

describe('a list and a table that grow', () => {
  const LIST = Array.from({ length: 90 }, (_, i) => `- item **${i}** of \`many\`\n${i % 7 === 3 ? '  - an inner one\n' : ''}`).join('');
  const TABLE = `| n | word |\n| --: | --- |\n${Array.from({ length: 90 }, (_, i) => `| ${i} | *w${i}* |\n`).join('')}`;
  const LOOSE = Array.from({ length: 8 }, (_, i) => `1. item ${i}\n\n`).join('');

  test.each([
    ['a list', LIST],
    ['a loose list', LOOSE],
    ['a table', TABLE],
  ])('%s, chunk by chunk, is in the end what it would be at once', async (_name, text) => {
    const page = await streamed('');
    await grow(page, text, text.length > 1_000 ? 37 : 7);
    await grow(page, `${text}\nThe end.`, 1_000);
    const piecewise = await prose(page).innerHTML();
    const other = await streamed(`${text}\nThe end.`);
    const plain = (html: string): string => html.replaceAll(/\n|<!--.*?-->| data-v-\w+="[^"]*"/g, '');
    await expect.poll(async () => plain(await prose(other).innerHTML())).toBe(plain(piecewise));
  });

  test('what is selected in a finished item stays selected while the next ones come', async () => {
    const page = await streamed('');
    await grow(page, LIST.slice(0, 200), 50);
    await page.evaluate(() => getSelection()!.selectAllChildren(document.querySelector('article.assistant:last-child li')!));
    const before = await page.evaluate(() => String(getSelection()));
    expect(before).toContain('item 0');
    await grow(page, LIST, 60, 200);
    expect(await page.locator('.prose .part').count()).toBe(3);
    expect(await page.evaluate(() => String(getSelection()))).toBe(before);
    // At its end the parts are one list again.
    await grow(page, `${LIST}\nThe end.`, 1_000, LIST.length);
    expect(await page.locator('.prose .part').count()).toBe(0);
    expect(await page.evaluate(() => String(getSelection()))).toBe(before);
  });
});

test('the page of the real product draws formulas, under its own policy, and reads them out; what is none stays as it was written', async () => {
  const ANSWER =
    'Euler: \\(e^{i\\pi}+1=0\\).\n\n\\[ \\int_0^1 x^2\\,dx = \\frac{1}{3} \\]\n\nBroken: \\(\\frac{1\\) and a note[^1].\n\n[^1]: **Source** of it.';
  await using server = await startStandalone({ MODELS: await modelThatSays(ANSWER) });
  const { page, context, complaints } = await openPage(harness.browser);
  onTestFinished(() => context.close());
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  await page.goto(server.url);
  await page.locator('.badge.flow').waitFor();
  expect(loaded.filter((path) => /katex/i.test(path))).toEqual([]);
  await page.getByRole('textbox', { name: 'Message' }).fill('Tell me');
  await page.keyboard.press('Enter');
  await page.locator('.katex').nth(1).waitFor();
  expect(await page.locator('.katex-display math').count()).toBe(1);
  await prose(page).getByText('Broken: \\(\\frac{1\\)').waitFor();
  // Its style sheet is there as well.
  expect(await page.locator('.katex-display .frac-line').evaluate((line) => getComputedStyle(line).borderBottomStyle)).toBe('solid');
  await page.getByRole('button', { name: 'Footnote 1', exact: true }).click();
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Back to footnote 1');
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});
