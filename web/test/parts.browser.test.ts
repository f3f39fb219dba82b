import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const calls = (page: import('playwright-core').Page): Promise<string[]> => page.evaluate(() => [...window.runnel.client.calls]);

const LOOKS = [
  { name: 'light', options: { colorScheme: 'light' as const } },
  { name: 'dark on a phone, in Vietnamese', options: { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' } },
];
describe.each(LOOKS)('axe finds nothing and nothing sticks out: $name', ({ options }) => {
  test.each(['parts', 'toolRunning', 'approval', 'unknown', 'question'])('%s', async (scene) => {
    const { page, complaints } = await harness.open(scene, options);
    await page.locator('[data-part]').first().waitFor();
    await page.waitForFunction(() => !document.querySelector('.prose.plain'));
    for (const summary of await page.locator('summary').all()) await summary.click();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });
});

test('parts stand between the words, with what went wrong in words; sources are numbered and only the web can be opened', async () => {
  const { page } = await harness.open('parts');
  const answer = page.locator('article.assistant');
  await answer.locator('.sources').waitFor();
  const order = await answer.evaluate((element) =>
    [...element.querySelectorAll('[data-part], .prose')].map((part) => (part as HTMLElement).dataset['part'] ?? 'text'),
  );
  expect(order).toEqual(['thought', 'text', 'tool-1', 'tool-2', 'tool-3', 'tool-4', 'tool-5', 'q', 'text', 'f', 'source-7', 'source-8']);
  const card = (id: string) => answer.locator(`[data-part="${id}"]`);
  expect(await card('tool-1').innerText()).toMatch(/Clock.*demo · clock.*Done.*0\.3 s/s);
  expect(await card('tool-2').innerText()).toMatch(/Attempt 2.*It did not answer in time\. It may have acted\./s);
  expect(await card('tool-3').innerText()).toContain('The gauge at km 12 is dry.');
  expect(await card('tool-4').innerText()).toMatch(/Not allowed.*Said: Not before noon/s);
  // Its run is over: nobody can decide any more.
  expect(await card('tool-5').getByRole('button').count()).toBe(0);
  expect(await answer.locator('.sources a').evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href))).toEqual([
    'https://example.org/rivers',
    'https://example.com/hills',
  ]);
  expect(await answer.locator('.sources ol').evaluate((list) => getComputedStyle(list).listStyleType)).toBe('decimal');
});

test('W-18 who approves sees the input character by character, decides by keyboard, and the focus stays at the card', async () => {
  const { page } = await harness.open('approval');
  const card = page.locator('[data-part="tool-2"]');
  await card.getByText('May it run with exactly this?').waitFor();
  expect(await card.locator('pre').innerText()).toBe('{"gate":3,"note":"nowU+202Enoon"}');
  await page.getByText('The answer waits for you', { exact: true }).waitFor();
  await card.getByLabel('A word to the model').focus();
  await page.keyboard.type('carefully');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect.poll(() => calls(page)).toContain('decide tool-2 approve {"gate":3,"note":"now\u202enoon"} carefully');
  await expect.poll(() => page.evaluate(() => (document.activeElement as HTMLElement).dataset['part'])).toBe('tool-2');
});

test('a decision that came too late, or about something else, is told', async () => {
  const { page } = await harness.open('approval');
  await page.evaluate(() => window.runnel.client.outcomes.push('already-decided', 'stale'));
  await page.getByRole('button', { name: 'Do not allow' }).click();
  await page.getByRole('alert').getByText('This had been decided already').waitFor();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByRole('alert').getByText('Look at it again').waitFor();
});

test('a call that may have happened is repeated or left, by a person', async () => {
  const { page } = await harness.open('unknown');
  await page.getByText('nobody knows whether it acted').waitFor();
  await page.getByRole('button', { name: 'Call it again' }).click();
  await page.getByRole('button', { name: 'Go on without it' }).click();
  expect((await calls(page)).filter((call) => call.startsWith('decide'))).toEqual([
    'decide tool-2 retry {"by":1}',
    'decide tool-2 skip {"by":1}',
  ]);
});

test('a question is answered by a choice or in one’s own words, or not at all', async () => {
  const { page } = await harness.open('question');
  await page.getByRole('button', { name: 'The one by the mill' }).click();
  await page.getByLabel('Or in your words').fill('The brook');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Do not answer' }).click();
  await expect
    .poll(async () => (await calls(page)).filter((call) => call.startsWith('decide')))
    .toEqual(['decide q answer The one by the mill', 'decide q answer The brook', 'decide q skip']);
});

test('an answer that waits is marked in the list and announced; who sends something else meanwhile may stop it', async () => {
  const { page } = await harness.open('approval');
  const list = page.getByRole('navigation', { name: 'Conversations' });
  await list.getByRole('link', { name: 'The answer waits for you: Will the stream rise?' }).waitFor();
  const composer = page.getByRole('textbox', { name: 'Message', exact: true });
  await composer.fill('Never mind the gate');
  await page.getByText('Enter sends it after this answer, which waits for you').waitFor();
  await composer.press('Enter');
  await page.getByRole('button', { name: 'Stop the answer and send' }).click();
  await expect.poll(() => calls(page)).toContain('cancel');
  await page.evaluate(() => {
    const { client } = window.runnel;
    const { conversation } = client.view('c1').get();
    const { waiting: _, ...run } = conversation.run!;
    client.change('c1', { conversation: { ...conversation, run: { ...run, parts: run.parts!.slice(0, 2) } } });
  });
  await list.getByRole('link', { name: 'An answer is being written: Will the stream rise?' }).waitFor();
  await page.getByText('Goes out after this answer', { exact: true }).waitFor();
});

test('after two seconds without a word the page says that the model is silent, and while a tool runs it does not', async () => {
  const { page } = await harness.open('streaming');
  await page.getByText(/The model is silent, [2-9] s/).waitFor();
  await page.evaluate(() => {
    const { client } = window.runnel;
    const { conversation } = client.view('c1').get();
    client.change('c1', { conversation: { ...conversation, run: { ...conversation.run!, text: `${conversation.run!.text} and` } } });
  });
  await page.getByText('The model is silent').waitFor({ state: 'detached' });
  const running = await harness.open('toolRunning');
  await running.page.getByText('Running…').waitFor();
  await running.page.clock.install();
  await running.page.clock.runFor(5_000);
  expect(await running.page.getByText('The model is silent').count()).toBe(0);
});
