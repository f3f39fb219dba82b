import type { Page } from 'playwright-core';
import type { RealProvider } from '@runnel/gateway/testing/oidc';
import { freePort } from '@runnel/kit/testing';
import { startStandalone, type Standalone } from './standalone.ts';

/** The whole product, which signs people in with this provider. */
export const startOidcPage = async (
  provider: RealProvider,
  settings: Record<string, string> = {},
): Promise<{ server: Standalone; url: string }> => {
  const port = await freePort();
  const url = settings['PUBLIC_URL'] ?? `http://127.0.0.1:${port}`;
  provider.allow(url);
  const client = { OIDC_CLIENT_ID: 'runnel', OIDC_CLIENT_SECRET: 'a-secret-that-the-provider-has-made' };
  const roles = { ROLES_CLAIM: 'roles', AUDITOR_ROLES: 'audit', USER_ROLES: 'staff,audit' };
  const env = { AUTH_MODE: 'oidc', OIDC_ISSUER: provider.issuer, PUBLIC_URL: url, PORT: String(port), ...client, ...roles };
  return { server: await startStandalone({ ...env, ...settings }), url };
};

export const panel = (page: Page) => page.locator('.sign-in');
export const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
export const enter = async (page: Page): Promise<void> => {
  await panel(page).getByRole('link', { name: 'Sign in' }).click();
  await page.locator('.badge.flow').waitFor();
  await composer(page).waitFor();
};
export const ask = async (page: Page, text: string): Promise<void> => {
  await composer(page).fill(text);
  await composer(page).press('Enter');
};

/** The words of the last answer as the model `count` numbers them. */
export const words = async (page: Page): Promise<string[]> =>
  (await page.locator('article.assistant').last().locator('.prose').innerText()).match(/w\d{6}/g) ?? [];
export const counted = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${String(i + 1).padStart(6, '0')}`);
