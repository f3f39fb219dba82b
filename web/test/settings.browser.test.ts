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

const WAIT = { timeout: 15_000 };
const changes = (page: Page): Promise<unknown[]> =>
  page.evaluate(() =>
    window.runnel.client.calls.filter((call) => call.startsWith('changeSettings ')).map((call) => JSON.parse(call.slice(15)) as unknown),
  );
const told = (page: Page, expected: readonly unknown[]): Promise<void> => expect.poll(() => changes(page), WAIT).toEqual(expected);
const theme = (page: Page): Promise<string | undefined> => page.evaluate(() => document.documentElement.dataset['theme']);
const dialog = (page: Page) => page.getByRole('dialog', { name: /^(Settings|Cài đặt)$/ });
const openSettings = async (page: Page): Promise<void> => {
  const menu = page.getByRole('button', { name: /Show conversations|Hiện các cuộc trò chuyện/ });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole('button', { name: /^(Settings|Cài đặt)$/ }).click();
  await dialog(page).waitFor();
};
const fail = (page: Page, code: 'unavailable' | 'not-found' | 'token-expired' | null): Promise<void> =>
  page.evaluate((why) => void (window.runnel.client.kept.fails = why), code);
/** Another device has chosen something. */
const elsewhere = (page: Page, chosen: object): Promise<void> =>
  page.evaluate((settings) => {
    window.runnel.client.kept.settings = settings;
    window.runnel.client.hear({ type: 'list', change: 'setting', name: 'settings' });
  }, chosen);

test('what is chosen goes to the server, field by field; what another device chose is taken and told to nobody', async () => {
  const { page, complaints } = await harness.open('chat');
  await openSettings(page);
  await dialog(page).getByText('Dark').click();
  await told(page, [{ theme: 'dark' }]);
  await dialog(page).getByText('Tiếng Việt').click();
  await dialog(page).getByText('Giống nhau trên mọi thiết bị của bạn.').waitFor();
  await told(page, [{ theme: 'dark' }, { language: 'vi' }]);
  await elsewhere(page, { theme: 'light', language: 'en', font: 'huge' });
  await dialog(page).getByText('The same on all your devices.').waitFor();
  await expect.poll(() => theme(page), WAIT).toBe('light');
  expect(await changes(page)).toHaveLength(2);
  await page.keyboard.press('Escape');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), WAIT).toBe('Settings');
  expect(complaints).toEqual([]);
});

test('without the server a choice is this device’s, also over a reload, and goes out by itself when it is back', async () => {
  const { page } = await harness.open('chat');
  await openSettings(page);
  await fail(page, 'unavailable');
  await dialog(page).getByText('Dark').click();
  await dialog(page).getByText('Not told to the server yet.').waitFor();
  expect(await theme(page)).toBe('dark');
  // A page that is loaded anew: what the server has is older than what was chosen here.
  await page.goto(harness.address('chat'));
  await told(page, [{ theme: 'dark' }]);
  await openSettings(page);
  await dialog(page).getByText('The same on all your devices.').waitFor();
  expect(await theme(page)).toBe('dark');
});

test('a slow answer takes nothing back that was chosen meanwhile', async () => {
  const { page } = await harness.open('chat');
  await openSettings(page);
  await page.evaluate(() => window.runnel.client.kept.hold());
  await elsewhere(page, { theme: 'light' });
  await dialog(page).getByText('Dark').click();
  await page.evaluate(() => window.runnel.client.kept.release!());
  await told(page, [{ theme: 'dark' }]);
  await dialog(page).getByText('The same on all your devices.').waitFor();
  expect(await theme(page)).toBe('dark');
});

test('an old answer that comes after a choice was kept takes it back neither', async () => {
  const { page } = await harness.open('chat');
  await openSettings(page);
  await page.evaluate(() => window.runnel.client.kept.hold());
  await dialog(page).getByText('Dark').click();
  await told(page, [{ theme: 'dark' }]);
  // Asked while the choice is on its way; answered as things were before it.
  await page.evaluate(() => {
    const { kept, hear } = window.runnel.client;
    const { promise, resolve } = Promise.withResolvers<{ theme: 'light' }>();
    const read = kept.person.settings;
    kept.person.settings = () => ((kept.person.settings = read), promise);
    hear({ type: 'list', change: 'setting', name: 'settings' });
    kept.release!();
    Object.assign(window, { answerLate: () => resolve({ theme: 'light' }) });
  });
  await dialog(page).getByText('The same on all your devices.').waitFor();
  await page.evaluate(async () => {
    (window as unknown as { answerLate: () => void }).answerLate();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
  expect(await theme(page)).toBe('dark');
});

test('a sign-in that has expired keeps a choice for the next one', async () => {
  const { page } = await harness.open('chat');
  await openSettings(page);
  await fail(page, 'token-expired');
  await dialog(page).getByText('Dark').click();
  await dialog(page).getByText('Not told to the server yet.').waitFor();
  await fail(page, null);
  await elsewhere(page, {});
  await told(page, [{ theme: 'dark' }, { theme: 'dark' }]);
});

test('a server of an earlier release keeps none: the device does, and says so', async () => {
  const { page } = await harness.open('chat');
  await fail(page, 'not-found');
  await openSettings(page);
  await dialog(page).getByText('Dark').click();
  await dialog(page).getByText('This server keeps no settings; they stay on this device.').waitFor();
  expect(await theme(page)).toBe('dark');
});

test('Ctrl with Enter sends where somebody wants it so, and Enter is a new line', async () => {
  const { page } = await harness.open('chat');
  await openSettings(page);
  await dialog(page).getByText('Ctrl Enter').click();
  await page.keyboard.press('Escape');
  await page.getByText('Ctrl Enter sends · Enter for a new line').waitFor();
  const composer = page.getByRole('textbox', { name: 'Message' });
  await composer.fill('one');
  await composer.press('Enter');
  await expect.poll(() => composer.inputValue()).toBe('one\n');
  await composer.press('Control+Enter');
  await expect.poll(() => composer.inputValue(), WAIT).toBe('');
  expect((await page.evaluate(() => window.runnel.client.calls)).filter((call) => call.startsWith('prompt'))).toEqual(['prompt one']);
});

test('who runs the service forbids that devices keep conversations: the switch says so and does nothing', async () => {
  const { page } = await harness.open('noCopies');
  await openSettings(page);
  await dialog(page).getByText('Whoever runs this service does not allow it.').waitFor();
  const copies = dialog(page).getByRole('switch');
  expect([await copies.isChecked(), await copies.isDisabled()]).toEqual([false, true]);
});

describe('all that is kept of a person', () => {
  const save = async (page: Page): Promise<void> => {
    await openSettings(page);
    await dialog(page).getByRole('button', { name: 'Save it as a file' }).click();
  };

  test('becomes a file, when it has come to its end', async () => {
    const { page } = await harness.open('chat');
    const [file] = await Promise.all([page.waitForEvent('download'), save(page)]);
    expect(file.suggestedFilename()).toMatch(/^runnel-\d{4}-\d\d-\d\d\.ndjson$/);
    expect(await readFile(await file.path(), 'utf8')).toMatch(/^\{"type":"export".*\n\{"type":"end".*\}\n$/);
  });

  test('is no file without its end, while the server is away, or when it is stopped', async () => {
    const { page } = await harness.open('chat');
    let files = 0;
    page.on('download', () => files++);
    await page.evaluate(() => void (window.runnel.client.kept.file = '{"type":"export"}\n{"type":"mess'));
    await save(page);
    await page.getByText('It broke off before its end, and nothing was saved.').waitFor();
    await page.evaluate(() => window.runnel.client.kept.hold());
    await dialog(page).getByRole('button', { name: 'Save it as a file' }).click();
    await dialog(page).getByText('On its way: 0 byte').waitFor();
    await dialog(page).getByRole('button', { name: 'Stop' }).click();
    await page.evaluate(() => window.runnel.client.kept.release!());
    await page.getByText('Stopped; nothing was saved.').waitFor();
    await fail(page, 'unavailable');
    await dialog(page).getByRole('button', { name: 'Save it as a file' }).click();
    await page.getByText('The service is unavailable right now.').waitFor();
    expect(files).toBe(0);
  });
});

test.each([
  ['light', {}],
  ['phone in Vietnamese, dark', { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' }],
])('axe finds nothing and nothing sticks out: %s', async (_, options) => {
  const { page, complaints } = await harness.open('chat', options);
  await openSettings(page);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await dialog(page).getByRole('switch').press('Space');
  await expect.poll(() => dialog(page).getByRole('switch').isChecked()).toBe(false);
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});
