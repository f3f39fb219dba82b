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
  { name: 'phone in Vietnamese, dark', options: { ...PHONE, colorScheme: 'dark' as const, locale: 'vi-VN' } },
];
const openAccount = async (page: Page): Promise<void> => {
  const menu = page.getByRole('button', { name: /Show conversations|Hiện các cuộc trò chuyện/ });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole('button', { name: /Account and keys|Tài khoản và khóa/ }).click();
  await page.locator('.account').waitFor();
};
const calls = (page: Page): Promise<string[]> => page.evaluate(() => window.runnel.client.calls);

describe.each(LOOKS)('the account is accessible and sticks out nowhere: $name', ({ options }) => {
  test('its lists, the form, a made key, and the question before an end', async () => {
    const { page, complaints } = await harness.open('account', options);
    await openAccount(page);
    await page.locator('.account li').nth(3).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: /^(Make a key|Tạo khóa)$/ }).click();
    await page.locator('.account form').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await page.locator('.account form input').first().fill('CI');
    await page.keyboard.press('Enter');
    await page.locator('.made').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: /Nightly report/ }).click();
    await page.getByRole('alertdialog').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(complaints).toEqual([]);
  });

  test.each(['signInFailed', 'ended'])('what a sign-in or its end says: %s', async (scene) => {
    const { page } = await harness.open(scene, options);
    await page.locator('.sign-in a.button').waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  });
});

test('a key is shown once, copied, listed and ended; a session is ended; Escape gives the focus back', async () => {
  const { page } = await harness.open('account');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openAccount(page);
  const dialog = page.getByRole('dialog', { name: 'Your account' });
  await dialog.getByText('Member.').waitFor();
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  await dialog.getByLabel('Name').fill('  CI  ');
  await dialog.getByLabel('Ends').selectOption({ label: 'lasts until you end it' });
  await dialog.getByLabel('only read').check();
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  await dialog.getByLabel(/“CI” is made/).waitFor();
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^rk_abc123x{40}$/);
  await dialog.getByRole('button', { name: 'I have it' }).click();
  await expect.poll(() => dialog.innerHTML()).not.toContain('x'.repeat(40));
  await dialog.getByRole('button', { name: 'End “CI”' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'End' }).click();
  await dialog.getByRole('button', { name: 'End “CI”' }).waitFor({ state: 'detached' });
  expect(await dialog.locator('[data-current]').innerText()).toContain('This browser');
  await dialog.getByRole('button', { name: 'Sign out Safari · iPhone' }).click();
  await dialog.getByText('Safari · iPhone').waitFor({ state: 'detached' });
  expect((await calls(page)).filter((call) => /Key|Session/.test(call))).toEqual(['makeKey CI read lasts', 'endKey k3', 'endSession s1']);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Account and keys');
});

test('the result of a sign-in is said once, and leaves the address', async () => {
  const { page } = await harness.open('signInFailed');
  await page.getByRole('alert').getByText('You are known, but may not use this service').waitFor();
  expect(new URL(page.url()).search).toBe('');
  expect(await page.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe('/api/sign-in/start?return=%2Fc%2Fc1');
});
