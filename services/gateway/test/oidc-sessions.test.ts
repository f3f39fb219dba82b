import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Browser } from '../testing/oidc/browser.ts';
import { startOddProvider, type OddProvider } from '../testing/oidc/odd-provider.ts';
import { oddCallback, oddSignIn, outcomeIn } from '../testing/oidc/odd-sign-in.ts';
import { signed, testSessions } from '../testing/oidc/sessions.ts';
import { meOf, oidcEnv, startOidcGateway } from '../testing/oidc/signed-in.ts';
import { startGateway } from '../testing/test-gateway.ts';

let provider: OddProvider;
beforeEach(async () => {
  provider = await startOddProvider();
});
afterEach(() => provider.close());

describe('A-18 a session is renewed in silence', () => {
  test('P-10 who is in stays in while the provider is away, and is asked about when it is back; who was ended there is ended here', async () => {
    let now = Date.now();
    const { begin, find, outcomes } = testSessions(provider.issuer, { now: () => now });
    const { secret } = await begin(signed(), 'a device');
    expect(await find(secret)).toMatchObject({ userId: 'ann', role: 'user' });
    expect(provider.tokenCalls).toEqual([]);

    provider.broken = { '/token': 503 };
    now += 301_000;
    await find(secret);
    await waitFor(() => outcomes.length === 1);
    expect(outcomes).toEqual(['unavailable']);
    expect(await find(secret)).toMatchObject({ userId: 'ann' });

    provider.broken = {};
    provider.odd = { claims: { roles: ['boss'] } };
    now += 31_000;
    // However many ask at once, the provider is asked once.
    await Promise.all(Array.from({ length: 20 }, () => find(secret)));
    await waitFor(() => outcomes.length === 2);
    expect([outcomes, provider.tokenCalls.length]).toEqual([['unavailable', 'renewed'], 1]);
    expect(provider.tokenCalls[0]!.get('refresh_token')).toBe('r0');
    expect(await find(secret)).toMatchObject({ role: 'admin' });

    now += 301_000;
    provider.refuses = { error: 'invalid_grant' };
    await find(secret);
    await waitFor(() => outcomes.length === 3);
    expect(outcomes[2]).toBe('ended');
    expect(await find(secret)).toBe(null);
  });

  test.each([
    ['alike', 0],
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])('two gateways at once, the second with a clock that is %s, spend a refresh token once, at its time', async (_name, skewMs) => {
    let now = Date.now();
    const store = createMemoryRunLog({ now: () => now });
    const one = testSessions(provider.issuer, { store, now: () => now });
    const two = testSessions(provider.issuer, { store, now: () => now + skewMs });
    const { secret } = await one.begin(signed(), 'a device');
    for (const round of [1, 2, 3]) {
      await two.find(secret);
      expect(provider.tokenCalls).toHaveLength(round - 1);
      now += 301_000;
      await Promise.all([one.find(secret), two.find(secret), one.find(secret), two.find(secret)]);
      await waitFor(() => one.outcomes.length + two.outcomes.length === round);
      expect(provider.tokenCalls.map((call) => call.get('refresh_token'))).toEqual(['r0', 'r1', 'r2'].slice(0, round));
    }
    expect([...one.outcomes, ...two.outcomes]).toEqual(['renewed', 'renewed', 'renewed']);
  });

  test.each<[string, OddProvider['odd']]>([
    ['another person', { claims: { sub: 'mallory' } }],
    ['an ID token of another issuer', { issuer: 'https://evil.example' }],
    ['an ID token for another application', { audience: 'another' }],
    ['an ID token that somebody else has signed', { sign: 'by-somebody' }],
    ['nobody whom we let in any more', { claims: { roles: ['guest'] } }],
  ])('a provider that answers a refresh with %s ends the session, and lets nobody else in', async (_name, odd) => {
    let now = Date.now();
    const rules = { rolesClaim: 'roles', groupsClaim: 'groups', adminRoles: ['boss'], auditorRoles: [], userRoles: ['staff'] };
    const { begin, find, outcomes, store } = testSessions(provider.issuer, { now: () => now, rules });
    const { secret } = await begin({ ...signed(), claims: { sub: 'ann', roles: ['staff'] } }, 'a device');
    provider.odd = odd;
    now += 301_000;
    expect(await find(secret)).toMatchObject({ userId: 'ann', role: 'user' });
    await waitFor(() => outcomes.length === 1);
    expect([outcomes, await find(secret)]).toEqual([['ended'], null]);
    expect(await store.listGrants({ userId: 'mallory', kind: 'session' })).toEqual([]);
  });

  test('A-12 an open socket hears of groups that were taken, once, and of none that stayed', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['setInterval', 'clearInterval', 'Date'] });
    try {
      const store = createMemoryRunLog({ now: () => Date.now() });
      const told: unknown[] = [];
      const renew = async () => ({ refreshToken: 'r1', freshMs: 600_000, claims: { sub: 'ann', groups: ['a'] }, idToken: 'y' });
      const { begin, find } = testSessions(provider.issuer, { store, provider: { renew } });
      const { secret } = await begin({ ...signed(), claims: { sub: 'ann', groups: ['a', 'b'] } }, 'a device');
      const { watch, groups } = (await find(secret))!;
      expect(groups).toEqual(['a', 'b']);
      const unwatch = watch!(
        () => told.push('ended'),
        (now) => told.push(now),
      );
      // Two looks: the first may come before its tokens end.
      await vi.advanceTimersByTimeAsync(800_000);
      await vi.waitFor(() => expect(told).toEqual([{ groups: ['a'] }]));
      await vi.advanceTimersByTimeAsync(2_000_000);
      expect(told).toEqual([{ groups: ['a'] }]);
      unwatch();
    } finally {
      vi.useRealTimers();
    }
  });

  test('what the provider gave anew is kept by a store that was away for a moment', async () => {
    let now = Date.now();
    const memory = createMemoryRunLog({ now: () => now });
    let failures = 0;
    const keepGrant: RunLog['keepGrant'] = (command) => {
      const isRenewed = !command.data.includes('"renewing"');
      if (isRenewed && failures++ < 3) return Promise.reject(new RunnelError('unavailable', 'away'));
      return memory.keepGrant(command);
    };
    const { begin, find, outcomes } = testSessions(provider.issuer, { now: () => now, store: { ...memory, keepGrant } });
    const { secret } = await begin(signed(), 'a device');
    for (const round of [1, 2]) {
      now += 301_000;
      await find(secret);
      await waitFor(() => outcomes.length === round);
    }
    expect([failures > 3, outcomes]).toEqual([true, ['renewed', 'renewed']]);
    // A token that was spent would end everything at many providers.
    expect(provider.tokenCalls.map((call) => call.get('refresh_token'))).toEqual(['r0', 'r1']);
  });

  test('an open page is seen before it would count as idle, however short that is', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    try {
      const store = createMemoryRunLog({ now: () => Date.now() });
      const { begin, find } = testSessions(provider.issuer, { store, idleMs: 120_000 });
      const { secret } = await begin({ claims: { sub: 'ann' }, idToken: 'x', refreshToken: undefined, freshMs: null }, 'a device');
      const unwatch = (await find(secret))!.watch!(() => {});
      await vi.advanceTimersByTimeAsync(3_600_000);
      expect(await find(secret)).toMatchObject({ userId: 'ann' });
      unwatch();
      await vi.advanceTimersByTimeAsync(240_000);
      expect(await find(secret)).toBe(null);
    } finally {
      vi.useRealTimers();
    }
  });
});

test('A-2 of 10,000 sessions of one person the newest fifty stand, and nobody else notices', { timeout: 120_000 }, async () => {
  const { begin, find, list } = testSessions(provider.issuer);
  const { secret: another } = await begin(signed('bob'), 'a device');
  const secrets: string[] = [];
  for (let i = 0; i < 10_000; i++) secrets.push((await begin(signed(), `device ${i}`)).secret);
  expect(await list('ann')).toHaveLength(50);
  const standing = await Promise.all(secrets.map(async (secret) => (await find(secret)) !== null));
  expect(standing.filter(Boolean)).toHaveLength(50);
  expect(standing.at(-1)).toBe(true);
  expect(await find(another)).toMatchObject({ userId: 'bob' });
});

describe('P-10 the provider is down at a later step', () => {
  test('at sign-out: one is signed out here, and stays where one is', async () => {
    const { gateway, publicUrl } = await startOidcGateway(provider);
    await using _ = gateway;
    const browser = new Browser();
    await oddSignIn(browser, { provider, publicUrl });
    provider.broken = { '/.well-known/openid-configuration': 503, '/token': 503, '/keys': 503 };
    const answer = await browser.ask(`${publicUrl}/api/sign-out`, { method: 'POST', headers: { origin: publicUrl } });
    expect([answer.status, await answer.json()]).toEqual([200, { url: null }]);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 401 });
  });

  test('the store is away at sign-out: one is told so and keeps the cookie, so that the next try ends the session', async () => {
    const memory = createMemoryRunLog();
    let away = true;
    const endGrant: RunLog['endGrant'] = (command) =>
      away ? Promise.reject(new RunnelError('unavailable', 'away')) : memory.endGrant(command);
    const { gateway, publicUrl } = await startOidcGateway(provider, { runLog: { ...memory, endGrant } });
    await using _ = gateway;
    const browser = new Browser();
    await oddSignIn(browser, { provider, publicUrl });
    const out = () => browser.ask(`${publicUrl}/api/sign-out`, { method: 'POST', headers: { origin: publicUrl } });
    expect((await out()).status).toBe(503);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 200, userId: 'ann' });
    away = false;
    expect((await out()).status).toBe(200);
    expect(browser.jar(publicUrl).has('runnel_session')).toBe(false);
    expect(await meOf(browser, publicUrl)).toMatchObject({ status: 401 });
  });

  test('when it tells of a log-out, or a Bearer token comes: whose keys cannot be had is asked to come back, and is not refused', async () => {
    const { gateway, publicUrl } = await startOidcGateway(provider);
    await using _ = gateway;
    const browser = new Browser();
    await oddSignIn(browser, { provider, publicUrl });
    await gateway.close();
    provider.broken = { '/keys': 503 };
    // A gateway that was just started has no keys yet.
    await using fresh = await startGateway({ runLog: gateway.runLog, env: oidcEnv(provider.issuer, publicUrl) });
    const body = new URLSearchParams({ logout_token: await provider.logoutToken({ sid: 's1' }) });
    const tell = () => fetch(`${fresh.url}/api/sign-in/back-channel`, { method: 'POST', body });
    expect((await tell()).status).toBe(503);
    const authorization = `Bearer ${await provider.idToken()}`;
    const me = await fetch(`${fresh.url}/api/me`, { headers: { authorization } });
    expect([me.status, me.headers.has('retry-after')]).toEqual([503, true]);
    provider.broken = {};
    await waitFor(async () => (await tell()).status === 200, { deadlineMs: 5_000, everyMs: 200 });
    const headers = { cookie: browser.cookiesFor(publicUrl) };
    expect((await fetch(`${fresh.url}/api/me`, { headers })).status).toBe(401);
  });
});

test('A-11 a flow that was begun with one provider is not finished with another (mix-up)', async () => {
  const other = await startOddProvider();
  const { gateway: honest, publicUrl } = await startOidcGateway(provider);
  await using _ = honest;
  const browser = new Browser();
  const { callback } = await oddCallback(browser, { provider, publicUrl });
  await using changed = await startGateway({ runLog: honest.runLog, env: oidcEnv(other.issuer, publicUrl) });
  const headers = { cookie: browser.cookiesFor(publicUrl) };
  for (const iss of [provider.issuer, other.issuer]) {
    const back = new URL(callback!);
    back.searchParams.set('iss', iss);
    const answer = await fetch(`${changed.url}${back.pathname}${back.search}`, { headers, redirect: 'manual' });
    expect(outcomeIn(new URL(answer.headers.get('location')!))).toBe('refused');
  }
  expect([provider.tokenCalls, other.tokenCalls]).toEqual([[], []]);
  await other.close();
});

test('S-13 over TLS the cookies are those that no sister domain can plant, and no other is believed', async () => {
  const publicUrl = 'https://chat.example';
  await using gateway = await startGateway({ env: oidcEnv(provider.issuer, publicUrl, { PUBLIC_HOSTS: 'chat.example' }) });
  const get = (path: string, cookie?: string) =>
    fetch(gateway.url + path, { redirect: 'manual', headers: { ...(cookie !== undefined && { cookie }) } });
  const attributes = /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/;
  const start = await get('/api/sign-in/start?return=/c/1');
  const [begun] = start.headers.getSetCookie().filter((line) => line.includes('sign_in'));
  expect(begun).toMatch(/^__Host-runnel_sign_in\.[\w-]{8}=/);
  expect(begun).toMatch(attributes);
  const asked = new URL(start.headers.get('location')!).searchParams;
  provider.nonce = asked.get('nonce')!;
  const back = new URLSearchParams({ code: 'c', state: asked.get('state')!, iss: provider.issuer });
  const pair = begun!.split(';', 1)[0]!;
  const plain = await get(`/api/sign-in/callback?${back}`, pair.slice('__Host-'.length));
  expect(outcomeIn(new URL(plain.headers.get('location')!))).toBe('expired');
  const answer = await get(`/api/sign-in/callback?${back}`, pair);
  expect(answer.headers.get('location')).toBe(`${publicUrl}/c/1`);
  const session = answer.headers.getSetCookie().find((line) => line.startsWith('__Host-runnel_session='))!;
  expect(session).toMatch(attributes);
  const own = session.split(';', 1)[0]!;
  expect((await get('/api/me', own)).status).toBe(200);
  expect((await get('/api/me', own.slice('__Host-'.length))).status).toBe(401);
});
