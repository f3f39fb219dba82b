import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { CLOSE, newId } from '@runnel/protocol';
import type { SessionInfo } from '@runnel/protocol/http';
import { Browser } from '../testing/oidc/browser.ts';
import { startRealProvider, type RealProvider } from '../testing/oidc/real-provider.ts';
import { meOf, signIn, startOidcGateway, type OidcGateway } from '../testing/oidc/signed-in.ts';

// Against `oidc-provider`, a certified one.

let provider: RealProvider;
let own: OidcGateway;
const env = { ADMIN_ROLES: 'boss', AUDITOR_ROLES: 'audit', ROLES_CLAIM: 'roles', MAX_API_KEYS_PER_USER: '5' };
beforeAll(async () => {
  provider = await startRealProvider();
  own = await startOidcGateway(provider, { env });
});
afterAll(async () => {
  await own?.gateway.close();
  await provider.close();
});
beforeEach(() => {
  provider.account = { sub: 'ann', claims: {} };
  provider.down = false;
});
const cookieOf = (browser: Browser): string | undefined => browser.jar(own.publicUrl).get('runnel_session');
const sessionsOf = async (browser: Browser): Promise<SessionInfo[]> =>
  ((await (await browser.ask(`${own.publicUrl}/api/sessions`)).json()) as { sessions: SessionInfo[] }).sessions;

describe('A-10 signing in', () => {
  test('one comes back to where one was, known by an opaque cookie, and everything works with it', async () => {
    const browser = new Browser();
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 401 });
    expect(await signIn(browser, own.publicUrl, '/c/1?a=b#m1')).toBe(`${own.publicUrl}/c/1?a=b#m1`);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 200, userId: 'ann', role: 'user' });
    expect(cookieOf(browser)).toMatch(/^[\w-]{43}$/);
    expect(browser.begun(own.publicUrl)).toEqual([]);
    const socket = await own.gateway.connect({ query: {}, headers: { cookie: browser.cookiesFor(own.publicUrl) } });
    expect(await socket.next('welcome')).toMatchObject({ userId: 'ann' });
    // Code with PKCE, state and nonce; the secret of the client never passes the browser.
    const asked = new URL(browser.visited.find((url) => url.includes('/auth?'))!).searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect([asked.get('state')?.length, asked.get('nonce')?.length]).toEqual([43, 43]);
    expect(browser.visited.join(' ')).not.toContain('a-secret-that');
  });

  test.each([
    [{ roles: ['boss'] }, 'admin'],
    [{ roles: ['audit'] }, 'auditor'],
    [{}, 'user'],
  ])('A-12 the role comes from the claims: %j', async (claims, role) => {
    provider.account = { sub: `with-${role}`, claims };
    const browser = new Browser();
    await signIn(browser, own.publicUrl);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ role, admin: role === 'admin' });
    const erase = await browser.ask(`${own.publicUrl}/api/admin/users/nobody`, { method: 'DELETE', headers: { origin: own.publicUrl } });
    expect(erase.status === 403).toBe(role !== 'admin');
  });

  test('A-11 a session that was planted before is nothing afterwards, and each sign-in has a secret of its own', async () => {
    const attacker = new Browser();
    await signIn(attacker, own.publicUrl);
    const planted = cookieOf(attacker)!;
    provider.account = { sub: 'bob', claims: {} };
    const victim = new Browser();
    victim.jar(own.publicUrl).set('runnel_session', planted);
    await signIn(victim, own.publicUrl);
    expect(cookieOf(victim)).not.toBe(planted);
    expect(await meOf(victim, own.publicUrl)).toMatchObject({ userId: 'bob' });
    expect(await meOf(attacker, own.publicUrl)).toMatchObject({ status: 401 });
  });

  test('A-11 a callback of somebody else, a second use of one, and one without its browser let nobody in', async () => {
    const attacker = new Browser();
    const isCallback = (next: string): boolean => next.includes('/api/sign-in/callback');
    const { next: callback } = await attacker.go(`${own.publicUrl}/api/sign-in/start?return=/`, isCallback);
    const victim = new Browser();
    const planted = await victim.ask(callback!);
    expect(new URL(planted.headers.get('location')!).searchParams.get('sign_in')).toBe('expired');
    expect(cookieOf(victim)).toBe(undefined);
    // One with a flow of its own has another state, also under the name of this one.
    await victim.go(`${own.publicUrl}/api/sign-in/start?return=/`, isCallback);
    expect((await victim.ask(callback!)).headers.get('location')).toContain('sign_in=expired');
    const sealed = victim.jar(own.publicUrl).get(victim.begun(own.publicUrl)[0]!)!;
    victim.jar(own.publicUrl).set(attacker.begun(own.publicUrl)[0]!, sealed);
    expect((await victim.ask(callback!)).headers.get('location')).toContain('sign_in=refused');
    const flow = attacker.cookiesFor(own.publicUrl);
    expect((await attacker.ask(callback!)).headers.get('location')).not.toContain('sign_in');
    const again = await new Browser().ask(callback!, { headers: { cookie: flow } });
    expect(again.headers.get('location')).toContain('sign_in=refused');
    expect(again.headers.getSetCookie().join()).not.toMatch(/runnel_session=\w/);
  });
});

describe('A-14 signing out', () => {
  test('the cookie is worth nothing afterwards, sockets close within a second, and the provider is told', async () => {
    const browser = new Browser();
    await signIn(browser, own.publicUrl);
    const stolen = browser.cookiesFor(own.publicUrl);
    const socket = await own.gateway.connect({ query: {}, headers: { cookie: stolen } });
    const at = performance.now();
    const answer = await browser.ask(`${own.publicUrl}/api/sign-out`, { method: 'POST', headers: { origin: own.publicUrl } });
    const { url } = (await answer.json()) as { url: string };
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(performance.now() - at).toBeLessThan(1000);
    expect(new URL(url).searchParams.get('post_logout_redirect_uri')).toBe(`${own.publicUrl}/`);
    expect(new URL(url).searchParams.get('id_token_hint')).toMatch(/^ey/);
    expect(cookieOf(browser)).toBe(undefined);
    const thief = await new Browser().ask(`${own.publicUrl}/api/me`, { headers: { cookie: stolen } });
    expect(thief.status).toBe(401);
  });

  test('one sees where one is signed in and ends it there, and nobody else does', async () => {
    provider.account = { sub: 'eve-and-her-phone', claims: {} };
    const [laptop, phone, other] = [new Browser(), new Browser(), new Browser()];
    await signIn(laptop, own.publicUrl);
    await signIn(phone, own.publicUrl);
    provider.account = { sub: 'mallory', claims: {} };
    await signIn(other, own.publicUrl);
    const sessions = await sessionsOf(laptop);
    expect(sessions.map(({ current }) => current)).toEqual([true, false]);
    expect(sessions[1]).toMatchObject({ device: 'A browser of the tests', role: 'user' });
    expect(JSON.stringify(sessions)).not.toContain(cookieOf(phone)!);
    const end = (by: Browser) =>
      by.ask(`${own.publicUrl}/api/sessions/${sessions[1]!.id}`, { method: 'DELETE', headers: { origin: own.publicUrl } });
    expect((await end(other)).status).toBe(404);
    expect(await meOf(phone, own.publicUrl)).toMatchObject({ status: 200 });
    expect((await end(laptop)).status).toBe(204);
    expect(await meOf(phone, own.publicUrl)).toMatchObject({ status: 401 });
    await signIn(phone, own.publicUrl);
    provider.account = { sub: 'eve-and-her-phone', claims: {} };
    await signIn(new Browser(), own.publicUrl);
    await laptop.ask(`${own.publicUrl}/api/sessions`, { method: 'DELETE', headers: { origin: own.publicUrl } });
    expect((await sessionsOf(laptop)).map(({ current }) => current)).toEqual([true]);
  });

  test('A-15 signing out at the provider ends the sessions here, by its own back-channel', async () => {
    provider.account = { sub: 'gone', claims: {} };
    const browser = new Browser();
    await signIn(browser, own.publicUrl);
    const socket = await own.gateway.connect({ query: {}, headers: { cookie: browser.cookiesFor(own.publicUrl) } });
    const { response } = await browser.go(`${provider.issuer}/session/end`);
    const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(await response.text())!;
    await browser.ask(`${provider.issuer}/session/end/confirm`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ xsrf: xsrf!, logout: 'yes' }).toString(),
    });
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 401 });
  });

  test('A-16 a page of elsewhere signs nobody out and ends nothing, whatever cookie goes with it', async () => {
    const browser = new Browser();
    await signIn(browser, own.publicUrl);
    const [{ id } = { id: '' }] = await sessionsOf(browser);
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
    ])
      for (const [method, path] of [
        ['POST', '/api/sign-out'],
        ['DELETE', `/api/sessions/${id}`],
        ['DELETE', '/api/sessions'],
        ['POST', '/api/keys'],
      ] as const)
        expect((await browser.ask(own.publicUrl + path, { method, headers })).status, `${method} ${path}`).toBe(403);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 200 });
  });
});

test('A-17 keys of the provider that change under way disturb nobody', async () => {
  const before = new Browser();
  await signIn(before, own.publicUrl);
  await provider.rotateKeys();
  expect(await meOf(before, own.publicUrl)).toMatchObject({ status: 200 });
  const after = new Browser();
  await waitFor(async () => !(await signIn(after, own.publicUrl)).includes('sign_in='), { deadlineMs: 5_000, everyMs: 200 });
  expect(await meOf(after, own.publicUrl)).toMatchObject({ status: 200 });
});

test('a key is made with a session, and is nobody’s session', async () => {
  const browser = new Browser();
  await signIn(browser, own.publicUrl);
  const made = await browser.ask(`${own.publicUrl}/api/keys`, {
    method: 'POST',
    headers: { origin: own.publicUrl, 'content-type': 'application/json' },
    body: JSON.stringify({ name: newId(), scopes: ['chat'] }),
  });
  const { key } = (await made.json()) as { key: string };
  const headers = { authorization: `Bearer ${key}` };
  expect(await (await fetch(`${own.publicUrl}/api/me`, { headers })).json()).toMatchObject({ userId: 'ann' });
  expect((await fetch(`${own.publicUrl}/api/sessions`, { headers })).status).toBe(403);
  const asCookie = await fetch(`${own.publicUrl}/api/me`, { headers: { cookie: `runnel_session=${key}` } });
  expect(asCookie.status).toBe(401);
});
