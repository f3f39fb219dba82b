import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll, PHONE } from './browser.ts';
import { serveHarness, type Harness } from './harness-page.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await serveHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

const LOOKS = [
  { name: 'light', options: {} },
  { name: 'dark', options: { colorScheme: 'dark' as const } },
  { name: 'phone in Vietnamese, dark', options: { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' } },
];
const WAIT = { timeout: 15_000 };
const calls = async (page: Page, word: RegExp): Promise<string[]> =>
  (await page.evaluate(() => window.runnel.client.calls)).filter((call) => word.test(call));
const told = (page: Page, word: RegExp, expected: readonly unknown[]): Promise<void> =>
  expect.poll(() => calls(page, word), WAIT).toEqual(expected);
const last = (page: Page) => page.locator('article.assistant').last();
const up = (page: Page) => last(page).getByRole('button', { name: /Good answer|Câu trả lời tốt/ });
const down = (page: Page) => last(page).getByRole('button', { name: 'Bad answer' });
const pressed = async (page: Page): Promise<(string | null)[]> => [
  await up(page).getAttribute('aria-pressed'),
  await down(page).getAttribute('aria-pressed'),
];
const thumbs = (page: Page, expected: string): Promise<void> =>
  expect.poll(async () => (await pressed(page)).join(' '), WAIT).toBe(expected);
const composer = (page: Page) => page.getByRole('textbox', { name: /^(Message|Tin nhắn)$/ });
const library = (page: Page) => page.getByRole('dialog', { name: /Your prompts|Câu lệnh mẫu của bạn/ });
const openLibrary = async (page: Page): Promise<void> => {
  // The page knows by then that the server keeps prompts.
  await page.getByRole('button', { name: /^(Your prompts|Câu lệnh mẫu)$/ }).waitFor();
  await composer(page).pressSequentially('/');
  await library(page).waitFor();
};

describe('thumbs at an answer', () => {
  test('are set, changed and taken back with the keyboard, and stay to be seen', async () => {
    const { page, complaints } = await harness.open('chat');
    await up(page).focus();
    await page.keyboard.press('Enter');
    await thumbs(page, 'true false');
    await down(page).focus();
    await page.keyboard.press('Space');
    await thumbs(page, 'false true');
    await down(page).press('Enter');
    await thumbs(page, 'false false');
    await expect.poll(async () => (await calls(page, /^rate/)).map((call) => call.split(' ').at(-1)), WAIT).toEqual(['up', 'down', 'null']);
    expect(complaints).toEqual([]);
  });

  test('another device’s is there by itself; what this page wants meanwhile stands', async () => {
    const { page } = await harness.open('chat');
    await up(page).waitFor();
    const elsewhere = (rating: 'up' | 'down'): Promise<void> =>
      page.evaluate((given) => {
        const { client } = window.runnel;
        const messageId = client.view('c1').get().conversation.messages.at(-1)!.messageId;
        client.kept.feedback.set('c1', [{ messageId, rating: given }]);
        client.hear({ type: 'list', change: 'feedback', name: 'c1' });
      }, rating);
    await elsewhere('down');
    await thumbs(page, 'false true');
    // A slow server: the press shows at once, and no older word of the server's takes it away.
    await page.evaluate(() => window.runnel.client.kept.hold());
    await up(page).click();
    await thumbs(page, 'true false');
    await elsewhere('down');
    await thumbs(page, 'true false');
    await page.evaluate(() => window.runnel.client.kept.release!());
    await told(page, /^rate .* up$/, [expect.any(String)]);
    await thumbs(page, 'true false');
  });

  test('many presses of a slow hand end as the last one', async () => {
    const { page } = await harness.open('chat');
    await up(page).waitFor();
    await page.evaluate(() => window.runnel.client.kept.hold());
    for (const button of [up(page), down(page), up(page), down(page)]) await button.click();
    await thumbs(page, 'false true');
    await page.evaluate(() => window.runnel.client.kept.release!());
    const kept = () => page.evaluate(() => window.runnel.client.kept.feedback.get('c1')?.map(({ rating }) => rating));
    await expect.poll(kept, WAIT).toEqual(['down']);
    await thumbs(page, 'false true');
  });

  test('have a reason, which stays with the thumb and is taken back with it; the keyboard comes back to where it was', async () => {
    const { page, complaints } = await harness.open('chat');
    const why = last(page).locator('.why');
    await down(page).click();
    await why.click();
    const field = page.getByRole('textbox', { name: 'What was wrong with it?' });
    await field.fill('  Rilles are not rivers.  ');
    await expectAccessible(page);
    await field.press('Enter');
    await expect.poll(() => why.textContent(), WAIT).toContain('Your reason');
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('why');
    await told(page, /^rate .* down /, [expect.stringMatching(/ down Rilles are not rivers\.$/)]);
    // Another device: the thumb and its words.
    await page.evaluate(() => window.runnel.client.hear({ type: 'list', change: 'feedback', name: 'c1' }));
    await page.keyboard.press('Enter');
    await expect.poll(() => field.inputValue(), WAIT).toBe('Rilles are not rivers.');
    await field.press('Escape');
    await expect.poll(() => field.count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('why');
    // What was wrong with it is not what is good about it.
    await up(page).click();
    await expect.poll(() => why.textContent(), WAIT).toContain('Say why');
    await up(page).click();
    await expect.poll(() => why.count(), WAIT).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('what the server does not take goes back, and is said', async () => {
    const { page } = await harness.open('chat');
    await up(page).waitFor();
    await page.evaluate(() => void (window.runnel.client.kept.fails = 'unavailable'));
    await up(page).click();
    await page.getByText('The service is unavailable right now.').waitFor();
    await thumbs(page, 'false false');
    await page.evaluate(() => void (window.runnel.client.kept.fails = 'not-found'));
    await up(page).click();
    // Once it is known that this server has none, none are offered.
    await page.getByText('This server does not keep this yet.').waitFor();
    await up(page).waitFor({ state: 'detached' });
  });
});

test('an answer is asked for again by another model, with the keyboard', async () => {
  const { page } = await harness.open('chat');
  const again = last(page).getByRole('button', { name: 'Let another model answer' });
  await again.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: /SmolLM2/ }).waitFor();
  expect(await page.getByRole('menuitem').count()).toBe(2);
  await expectAccessible(page);
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await told(page, /^regenerate/, [expect.stringMatching(/^regenerate \S+ smol$/)]);
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), WAIT).toBe('Let another model answer');
});

describe('prompts', () => {
  test('a / in the empty box brings them; what is typed finds one, and Enter puts it into the box', async () => {
    const { page, complaints } = await harness.open('chat');
    await openLibrary(page);
    await page.keyboard.type('THU');
    expect(await library(page).getByRole('listitem').count()).toBe(1);
    await page.keyboard.press('Enter');
    await library(page).waitFor({ state: 'detached' });
    await expect.poll(() => composer(page).inputValue(), WAIT).toBe('Viết một lá thư ngắn và lịch sự về việc sau:');
    await expect.poll(() => page.evaluate(() => document.activeElement?.id), WAIT).toBe('composer');
    // A slash within a text is a slash.
    await composer(page).pressSequentially(' a/b');
    expect(await composer(page).inputValue()).toMatch(/ a\/b$/);
    expect(complaints).toEqual([]);
  });

  test.each([
    ['//', '/'],
    ['/etc/passwd\n', '/etc/passwd'],
  ])('%j types a slash all the same', async (typed, text) => {
    const { page } = await harness.open('home');
    await openLibrary(page);
    await page.keyboard.type(typed.slice(1));
    await library(page).waitFor({ state: 'detached' });
    await expect.poll(() => composer(page).inputValue(), WAIT).toBe(text);
  });

  test('one is added, changed under another name and deleted, without a pointer', async () => {
    const { page } = await harness.open('chat');
    await openLibrary(page);
    await library(page).getByRole('button', { name: 'Add a prompt' }).press('Enter');
    await library(page).getByLabel('Name').fill('a name');
    await library(page).getByText('Letters, digits, _ and -; no spaces').waitFor();
    await library(page).getByLabel('Name').fill('review');
    await library(page).getByText('There is one with this name.').waitFor();
    await library(page).getByLabel('Name').fill('letter');
    await library(page).getByLabel('Text').fill('Write a letter.');
    await library(page).getByRole('button', { name: 'Save' }).press('Enter');
    await library(page).getByRole('button', { name: 'Edit “letter”' }).press('Enter');
    await library(page).getByLabel('Name').fill('mail');
    await library(page).getByLabel('Text').press('Tab');
    await page.keyboard.press('Enter');
    await library(page).getByRole('button', { name: 'Delete “mail”' }).press('Enter');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).press('Enter');
    await library(page).getByText('/mail').waitFor({ state: 'detached' });
    expect(await calls(page, /Prompt/)).toEqual(['keepPrompt letter', 'keepPrompt mail', 'deletePrompt letter', 'deletePrompt mail']);
    await page.keyboard.press('Escape');
    await library(page).waitFor({ state: 'detached' });
    expect(await composer(page).inputValue()).toBe('');
  });

  test('another device changes or deletes one while it is open: it says so, and saving is the later word', async () => {
    const { page } = await harness.open('chat');
    await openLibrary(page);
    await library(page).getByRole('button', { name: 'Edit “review”' }).click();
    await page.evaluate(() => {
      const { kept, hear } = window.runnel.client;
      kept.prompts.splice(2, 1, { name: 'review', text: 'Theirs', updatedAt: 9 });
      hear({ type: 'list', change: 'prompt', name: 'review' });
    });
    await library(page).getByText('It was changed on another device meanwhile.').waitFor();
    await page.evaluate(() => {
      const { kept, hear } = window.runnel.client;
      kept.prompts.splice(2, 1);
      hear({ type: 'list', change: 'prompt', name: 'review' });
    });
    await library(page).getByText('It was deleted on another device meanwhile.').waitFor();
    await library(page).getByLabel('Text').fill('Mine');
    await library(page).getByRole('button', { name: 'Save' }).click();
    await library(page).getByText('Mine').waitFor();
    expect(await calls(page, /Prompt/)).toEqual(['keepPrompt review']);
  });

  test('a server that is away says so, and they come with the next try; one of an earlier release has a plain slash', async () => {
    const { page } = await harness.open('chat');
    await page.getByRole('button', { name: 'Your prompts' }).waitFor();
    await page.evaluate(() => void (window.runnel.client.kept.fails = 'unavailable'));
    await openLibrary(page);
    await library(page).getByText('Your prompts could not be loaded.').waitFor();
    await page.evaluate(() => void (window.runnel.client.kept.fails = null));
    await library(page).getByRole('button', { name: 'Try again' }).click();
    await library(page).getByRole('button', { name: 'Edit “review”' }).click();
    await page.evaluate(() => void (window.runnel.client.kept.fails = 'unavailable'));
    await library(page).getByLabel('Text').fill('Kept in the form');
    await library(page).getByRole('button', { name: 'Save' }).click();
    await page.getByText('The service is unavailable right now.').waitFor();
    expect(await library(page).getByLabel('Text').inputValue()).toBe('Kept in the form');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.evaluate(() => void (window.runnel.client.kept.fails = 'not-found'));
    await composer(page).pressSequentially('/');
    await page.getByText('This server does not keep this yet.').waitFor();
    await library(page).waitFor({ state: 'detached' });
    await composer(page).pressSequentially('/x');
    expect(await composer(page).inputValue()).toBe('/x');
  });
});

describe.each(LOOKS)('axe finds nothing and nothing sticks out: $name', ({ options }) => {
  test('thumbs and prompts', async () => {
    const { page, complaints } = await harness.open('chat', options);
    await up(page).click();
    // All that can be done with an answer stands in one line, on a phone too.
    const tops = await last(page)
      .locator('.actions button:not(.why)')
      .evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect().top));
    expect(new Set(tops).size).toBe(1);
    await last(page).locator('.why').click();
    await last(page).getByRole('textbox').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await last(page).getByRole('textbox').press('Escape');
    await page.getByRole('button', { name: /^(Your prompts|Câu lệnh mẫu)$/ }).click();
    await library(page).getByRole('listitem').nth(2).waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await library(page)
      .getByRole('button', { name: /^(Edit|Sửa)/ })
      .first()
      .click();
    await library(page).locator('textarea').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });
});
