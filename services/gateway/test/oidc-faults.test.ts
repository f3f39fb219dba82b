import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { CLOSE } from '@runnel/protocol';
import { Browser } from '../testing/oidc/browser.ts';
import { LOGOUT, startOddProvider, type Oddity, type OddProvider } from '../testing/oidc/odd-provider.ts';
import { oddCallback, oddSignIn, outcomeIn } from '../testing/oidc/odd-sign-in.ts';
import { meOf, oidcEnv, startOidcGateway, type OidcGateway } from '../testing/oidc/signed-in.ts';
import { startGateway } from '../testing/test-gateway.ts';

// Against a provider that does one thing wrong at a time.

let provider: OddProvider;
let own: OidcGateway;
beforeEach(async () => {
  provider = await startOddProvider();
  own = await startOidcGateway(provider);
});
afterEach(async () => {
  await own.gateway.close();
  await provider.close();
});

const attempt = (browser = new Browser(), change: Record<string, string> = {}): Promise<URL> =>
  oddSignIn(browser, { provider, publicUrl: own.publicUrl }, change);
const outcome = outcomeIn;

test('A-10 without a fault one is let in', async () => {
  const browser = new Browser();
  expect((await attempt(browser)).href).toBe(`${own.publicUrl}/c/1`);
  expect(await meOf(browser, own.publicUrl)).toMatchObject({ userId: 'ann' });
  expect(provider.tokenCalls[0]!.get('code_verifier')).toMatch(/^[\w-]{43}$/);
});

describe('A-11 an ID token that is not as it has to be lets nobody in', () => {
  test.each<[string, Oddity]>([
    ['another nonce', { nonce: 'x' }],
    ['another audience', { audience: 'another application' }],
    ['another issuer', { issuer: 'https://evil.example' }],
    ['signed by somebody else', { sign: 'by-somebody' }],
    ['not signed', { sign: 'not-at-all' }],
    ['over for long', { skew: -3600 }],
    ['of the future', { skew: 3600 }],
    ['no subject', { claims: { sub: undefined } }],
    ['a subject that cannot be used', { claims: { sub: 'a b{c}' } }],
    ['for another party', { claims: { azp: 'another', aud: ['runnel', 'another'] } }],
  ])('%s', async (_name, odd) => {
    provider.odd = odd;
    const browser = new Browser();
    expect(outcome(await attempt(browser))).toBe('refused');
    expect(browser.jar(own.publicUrl).has('runnel_session')).toBe(false);
  });

  test.each<[string, Oddity]>([
    ['with a clock ten seconds behind', { skew: -10 }],
    ['with a clock ten seconds ahead', { skew: 10 }],
    ['for several, ours among them, and made for us', { claims: { aud: ['another', 'runnel'], azp: 'runnel' } }],
    ['for a list of us alone', { claims: { aud: ['runnel'] } }],
    ['with names of any script', { claims: { name: 'Nguyễn Văn Ân 🌊', groups: ['Phòng Kỹ thuật', '研究'] } }],
    ['with more groups than are kept', { claims: { groups: Array.from({ length: 500 }, (_, i) => `group-${i}`) } }],
  ])('one %s is one', async (_name, odd) => {
    provider.odd = odd;
    const browser = new Browser();
    expect(outcome(await attempt(browser))).toBe('ok');
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ userId: 'ann' });
  });

  test('cookies of others that fill a header do not keep one out, and what is larger than a header is refused, not taken apart', async () => {
    const browser = new Browser();
    for (let i = 0; i < 3; i++) browser.jar(own.publicUrl).set(`other${i}`, 'x'.repeat(3_500));
    expect(outcome(await attempt(browser))).toBe('ok');
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ userId: 'ann' });
    browser.jar(own.publicUrl).set('another', 'x'.repeat(6_000));
    expect((await browser.ask(`${own.publicUrl}/api/me`)).status).toBe(431);
  });

  test.each<[string, string]>([
    ['none', ''],
    ['one that nobody makes', 'x'],
    ['one of another browser', 'x'.repeat(43)],
  ])('a state that is %s', async (_name, state) => {
    expect(outcome(await attempt(new Browser(), { state }))).toBe('expired');
    expect(provider.tokenCalls).toEqual([]);
  });

  test('a state that differs from the cookie of its name', async () => {
    const browser = new Browser();
    const { asked } = await oddCallback(browser, { provider, publicUrl: own.publicUrl });
    const state = asked.searchParams.get('state')!;
    const forged = state.slice(0, 8) + state.slice(8).split('').toReversed().join('');
    const back = new URLSearchParams({ code: 'c', iss: provider.issuer, state: forged });
    const answer = await browser.ask(`${own.publicUrl}/api/sign-in/callback?${back}`);
    expect(outcome(new URL(answer.headers.get('location')!))).toBe('refused');
    expect(provider.tokenCalls).toEqual([]);
  });

  test.each<[string, Record<string, string>]>([
    ['another issuer beside the code (mix-up)', { iss: 'https://evil.example' }],
    ['no issuer where there has to be one', { iss: '' }],
    ['a refusal of the person', { error: 'access_denied', code: '' }],
  ])('%s', async (_name, change) => {
    expect(outcome(await attempt(new Browser(), change))).toBe('refused');
    expect(provider.tokenCalls).toEqual([]);
  });

  test('a code that was used before', async () => {
    provider.refuses = { error: 'invalid_grant' };
    expect(outcome(await attempt())).toBe('refused');
  });

  test('a cookie of a flow that somebody made or changed is none', async () => {
    const browser = new Browser();
    await browser.ask(`${own.publicUrl}/api/sign-in/start?return=/`);
    const [name] = browser.begun(own.publicUrl) as [string];
    const sealed = browser.jar(own.publicUrl).get(name)!;
    const state = name.split('.')[1]!.padEnd(43, 'x');
    for (const forged of ['', 'x', sealed.slice(2), `${sealed.slice(0, -4)}AAAA`]) {
      const headers = { cookie: `${name}=${forged}` };
      const answer = await new Browser().ask(`${own.publicUrl}/api/sign-in/callback?code=c&state=${state}`, { headers });
      expect(outcome(new URL(answer.headers.get('location')!))).toBe('expired');
    }
  });
});

describe('A-11 two tabs of one browser sign in at once', () => {
  test('each comes back to where it was, in any order, and the one that did not come first does not throw the other out', async () => {
    const browser = new Browser();
    const where = { provider, publicUrl: own.publicUrl };
    const one = await oddCallback(browser, { ...where, returnTo: '/c/1' });
    const two = await oddCallback(browser, { ...where, returnTo: '/c/2' });
    const back = async ({ asked, callback }: typeof one) => {
      provider.nonce = asked.searchParams.get('nonce')!;
      return (await browser.ask(callback!)).headers.get('location');
    };
    expect([await back(one), await back(two)]).toEqual([`${own.publicUrl}/c/1`, `${own.publicUrl}/c/2`]);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ userId: 'ann' });
    expect(browser.begun(own.publicUrl)).toEqual([]);
  });

  test('a page of elsewhere that begins sign-ins without end leaves few cookies, and one can still sign in', async () => {
    const browser = new Browser();
    for (let i = 0; i < 30; i++) {
      await browser.ask(`${own.publicUrl}/api/sign-in/start?return=/${'x'.repeat(900)}`);
      expect(browser.begun(own.publicUrl).length).toBeLessThanOrEqual(4);
    }
    expect(outcome(await attempt(browser))).toBe('ok');
  });
});

describe('P-10 the provider is down', () => {
  test.each<[string, OddProvider['broken']]>([
    ['discovery', { '/.well-known/openid-configuration': 503 }],
    ['discovery is nonsense', { '/.well-known/openid-configuration': 'nonsense' }],
    ['tokens', { '/token': 500 }],
    ['tokens are nonsense', { '/token': 'nonsense' }],
    ['keys', { '/keys': 503 }],
  ])('at %s: the page says so, and it works once it is back', async (_name, broken) => {
    provider.broken = broken;
    expect(outcome(await attempt())).toBe('unavailable');
    expect(await own.gateway.metric('runnel_gateway_sign_ins_total')).toBe(1);
    provider.broken = {};
    await waitFor(async () => outcome(await attempt()) === 'ok', { deadlineMs: 5_000, everyMs: 100 });
  });
});

describe('A-15 a logout token', () => {
  const logout = (token: string) =>
    fetch(`${own.publicUrl}/api/sign-in/back-channel`, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });

  test('of the provider ends the sessions of its subject, and of one `sid` that one', async () => {
    const browser = new Browser();
    await attempt(browser);
    const socket = await own.gateway.connect({ query: {}, headers: { cookie: browser.cookiesFor(own.publicUrl) } });
    expect((await logout(await provider.logoutToken({ sid: 'another' }))).status).toBe(200);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 200 });
    expect((await logout(await provider.logoutToken({ sid: 's1' }))).status).toBe(200);
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 401 });
  });

  test('that names a session alone ends that one, whoever it is of, and no other; a second time it ends nothing', async () => {
    const [first, second] = [new Browser(), new Browser()];
    provider.odd = { claims: { sid: 's1' } };
    await attempt(first);
    provider.odd = { claims: { sid: 's2' } };
    await attempt(second);
    const socket = await own.gateway.connect({ query: {}, headers: { cookie: first.cookiesFor(own.publicUrl) } });
    expect((await logout(await provider.logoutToken({ sub: undefined, sid: 'of nobody' }))).status).toBe(200);
    const token = await provider.logoutToken({ sub: undefined, sid: 's1' });
    expect((await logout(token)).status).toBe(200);
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await meOf(first, own.publicUrl)).toMatchObject({ status: 401 });
    expect(await meOf(second, own.publicUrl)).toMatchObject({ status: 200 });
    // Signed in anew, in a new session of the provider: a token that somebody kept is about the one before.
    provider.odd = { claims: { sid: 's3' } };
    await attempt(first);
    expect((await logout(token)).status).toBe(200);
    expect(await meOf(first, own.publicUrl)).toMatchObject({ status: 200 });
  });

  test('of a person alone ends all of theirs', async () => {
    const [one, two] = [new Browser(), new Browser()];
    for (const [i, browser] of [one, two].entries()) {
      provider.odd = { claims: { sid: `s${i}` } };
      await attempt(browser);
    }
    expect((await logout(await provider.logoutToken())).status).toBe(200);
    for (const browser of [one, two]) expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 401 });
  });

  test('lets nobody in as a Bearer token, though the same key has signed it for us', async () => {
    for (const token of [await provider.logoutToken({ sid: 's1' }), await provider.logoutToken({ sid: 's1', nonce: 'n' })])
      expect((await fetch(`${own.publicUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
  });

  test('that is none ends nothing', async () => {
    const browser = new Browser();
    await attempt(browser);
    const tokens = [
      await provider.logoutToken({}, { sign: 'by-somebody' }),
      await provider.logoutToken({}, { sign: 'not-at-all' }),
      await provider.logoutToken({}, { audience: 'another' }),
      await provider.logoutToken({}, { age: 600 }),
      await provider.logoutToken({ nonce: 'n' }),
      await provider.logoutToken({ events: {} }),
      await provider.logoutToken({ events: JSON.stringify(LOGOUT) }),
      await provider.logoutToken({ sub: undefined }),
      await provider.logoutToken({ sub: undefined, sid: 7 }),
      await provider.logoutToken({ sub: undefined, sid: '' }),
      await provider.idToken(),
      'x',
      '',
    ];
    for (const token of tokens) expect((await logout(token)).status, token).toBe(400);
    expect(await meOf(browser, own.publicUrl)).toMatchObject({ status: 200 });
  });

  test('is read in no other type, and not without end', async () => {
    const url = `${own.publicUrl}/api/sign-in/back-channel`;
    const long = await fetch(url, { method: 'POST', body: new URLSearchParams({ logout_token: 'x'.repeat(20_000) }) });
    expect(long.status).toBe(413);
    expect((await fetch(url, { method: 'POST', body: 'logout_token=x', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  });
});

test('a token of the same provider counts beside sessions, one for another application does not', async () => {
  const ask = async (token: string) => (await fetch(`${own.publicUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await ask(await provider.idToken())).toBe(200);
  provider.odd = { audience: 'another' };
  expect(await ask(await provider.idToken())).toBe(401);
  provider.odd = { sign: 'by-somebody' };
  expect(await ask(await provider.idToken())).toBe(401);
});

test('two gateways of one address: begun at one, ended at the other', async () => {
  const runLog = createMemoryRunLog();
  const [publicUrl, port] = [own.publicUrl, Number(new URL(own.publicUrl).port)];
  await own.gateway.close();
  const env = oidcEnv(provider.issuer, publicUrl);
  const one = await startGateway({ runLog, port, env });
  const two = await startGateway({ runLog, env });
  const browser = new Browser();
  const start = await browser.ask(`${publicUrl}/api/sign-in/start?return=/c/2`);
  const asked = new URL(start.headers.get('location')!).searchParams;
  provider.nonce = asked.get('nonce')!;
  const back = new URLSearchParams({ code: 'c', state: asked.get('state')!, iss: provider.issuer });
  const headers = { cookie: browser.cookiesFor(publicUrl) };
  const answer = await fetch(`${two.url}/api/sign-in/callback?${back}`, { headers, redirect: 'manual' });
  expect(answer.headers.get('location')).toBe(`${publicUrl}/c/2`);
  const cookie = answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('runnel_session='))!
    .split(';')[0]!;
  expect((await fetch(`${one.url}/api/me`, { headers: { cookie } })).status).toBe(200);
  await two.close();
  own = { gateway: one, publicUrl };
});
