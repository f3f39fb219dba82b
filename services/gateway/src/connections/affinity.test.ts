import { expect, test } from 'vitest';
import { affinityCookie } from './affinity.ts';
import { startGateway } from '../../testing/test-gateway.ts';

const COOKIE = /^runnel_affinity=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/;
const affinityOf = (cookies: readonly string[]): string | undefined => cookies.find((cookie) => cookie.startsWith('runnel_affinity='));

test('a browser gets one, once; each browser another', () => {
  const [first, second] = [affinityCookie(undefined, false), affinityCookie('theme=dark', false)];
  expect(first).toMatch(COOKIE);
  expect(second).toMatch(COOKIE);
  expect(first).not.toBe(second);
  expect(affinityCookie('theme=dark; runnel_affinity=abc', false)).toBeUndefined();
  expect(affinityCookie('not_runnel_affinity=abc; runnel_affinity=', false)).toMatch(COOKIE);
  expect(affinityCookie('', true)).toMatch(/; Secure$/);
});

test('it comes with the first HTTP answer, beside other cookies, and not to programs', async () => {
  await using gateway = await startGateway();
  const cookies = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${gateway.url}${path}`, { headers });
    return answer.headers.getSetCookie();
  };
  const first = await cookies('/api/conversations');
  expect(affinityOf(first)).toMatch(COOKIE);
  expect(first.some((cookie) => cookie.startsWith('runnel_session='))).toBe(true);
  expect(affinityOf(await cookies('/api/conversations', { cookie: affinityOf(first)!.split(';')[0]! }))).toBeUndefined();
  expect(affinityOf(await cookies('/v1/models'))).toBeUndefined();
});

test('it comes with the upgrade to a WebSocket; behind TLS it is for TLS only', async () => {
  await using gateway = await startGateway({ env: { TRUST_PROXY: 'true' } });
  const upgradeCookies = async (headers: Record<string, string>) => {
    const client = await gateway.connect({ headers });
    return [client.headers['set-cookie'] ?? []].flat();
  };
  expect(affinityOf(await upgradeCookies({}))).toMatch(COOKIE);
  expect(affinityOf(await upgradeCookies({ 'x-forwarded-proto': 'https' }))).toMatch(/; Secure$/);
  expect(affinityOf(await upgradeCookies({ cookie: 'runnel_affinity=abc' }))).toBeUndefined();
});
