import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { Browser } from '../../testing/oidc/browser.ts';
import { startDex, type Dex } from '../../testing/oidc/outside/dex.ts';
import { fillForm, plain } from '../../testing/oidc/outside/forms.ts';
import { lacking } from '../../testing/oidc/outside/program.ts';
import { freePort } from '@runnel/kit/testing';
import { meOf, oidcEnv } from '../../testing/oidc/signed-in.ts';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';

// Dex, built from its source, with the settings that docs/operations.md describes. Nothing of it is ours.

const why = await lacking(['go', 'version']);

describe.skipIf(why !== undefined)(`Dex${why === undefined ? '' : ` (not run: ${why})`}`, () => {
  let dex: Dex;
  let gateway: TestGateway;
  let publicUrl: string;
  beforeAll(async () => {
    const port = await freePort();
    publicUrl = `http://127.0.0.1:${port}`;
    dex = await startDex(publicUrl);
    const roles = { ROLES_CLAIM: 'groups', ADMIN_ROLES: 'authors', OIDC_SCOPES: 'openid profile groups offline_access' };
    gateway = await startGateway({ port, env: oidcEnv(dex.issuer, publicUrl, { ...roles, SESSION_CHECK_SECONDS: '1' }) });
  });
  afterAll(async () => {
    await gateway?.close();
    await dex?.close();
  });

  const isOurs = (next: string): boolean => next.startsWith(publicUrl) && !next.includes('/api/sign-in/');
  const isLocal = (next: string): boolean => next.includes('/auth/local');
  const start = (): string => `${publicUrl}/api/sign-in/start?return=${encodeURIComponent('/c/1?x=1')}`;
  /** By a connector that its page offers. */
  const by = async (browser: Browser, connector: string): Promise<string> => {
    const { response, url } = await browser.go(start());
    const path = new RegExp(`href="([^"]*/auth/${connector}[^"]*)"`).exec(await response.text())![1]!;
    return new URL(plain(path), url).href;
  };
  const enter = async (browser: Browser, password: string): Promise<string | null> =>
    (await fillForm(browser, await by(browser, 'local'), { login: 'ann@example.org', password }, isOurs)).next;

  test('A-10 one signs in with a password and comes back to where one was', async () => {
    const browser = new Browser();
    expect(await enter(browser, 'wrong')).toBe(null);
    expect(await enter(browser, 'of-ann')).toBe(`${publicUrl}/c/1?x=1`);
    expect(browser.visited.some(isLocal)).toBe(true);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 200, role: 'user', userId: expect.stringMatching(/^[\w-]+$/) });
  });

  test('A-14 signing out ends the session here; it says itself whether there is a place to sign out there', async () => {
    const browser = new Browser();
    await enter(browser, 'of-ann');
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 200 });
    const answer = await browser.ask(`${publicUrl}/api/sign-out`, { method: 'POST', headers: { origin: publicUrl } });
    const { url } = (await answer.json()) as { url: string | null };
    const known = (await (await fetch(`${dex.issuer}/.well-known/openid-configuration`)).json()) as { end_session_endpoint?: string };
    expect(url?.split('?')[0]).toBe(known.end_session_endpoint);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 401 });
  });

  // The last: at this commit its store in memory stands still some renewals later, and no request of anybody is answered any more.
  test('A-12 groups of a connector make the role; A-18 tokens that end are renewed in silence', async () => {
    const browser = new Browser();
    const { next } = await browser.go(await by(browser, 'mock'), isOurs);
    expect(next).toBe(`${publicUrl}/c/1?x=1`);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 200, role: 'admin' });
    const socket = await gateway.connect({ query: {}, headers: { cookie: browser.cookiesFor(publicUrl) } });
    const renewed = (): Promise<number> => gateway.metric('runnel_gateway_session_renewals_total', { outcome: 'renewed' });
    const before = await renewed();
    await waitFor(async () => (await renewed()) > before, { deadlineMs: 60_000 });
    expect(socket.socket.readyState).toBe(1);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 200, role: 'admin' });
  });
});
