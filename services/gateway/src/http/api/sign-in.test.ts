import { ConfigError, loadConfig } from '@runnel/kit';
import { describe, expect, test } from 'vitest';
import { configSpec } from '../../config.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const jwt = { AUTH_MODE: 'jwt', JWT_SECRET: 'a secret of more than thirty-two characters' };

describe('GET /api/sign-in', () => {
  test.each<[string, Record<string, string>, object]>([
    ['an address to go to', { ...jwt, SIGN_IN_URL: '/oauth2/start?rd={return}' }, { mode: 'jwt', url: '/oauth2/start?rd={return}' }],
    ['a token to be pasted', jwt, { mode: 'jwt', url: null }],
    ['nobody to ask', {}, { mode: 'dev', url: null }],
  ])('tells anybody, makes no guest and is kept by no cache: %s', async (_name, env, expected) => {
    await using gateway = await startGateway({ env });
    const response = await fetch(`${gateway.url}/api/sign-in`);
    expect([response.status, await response.json()]).toEqual([200, expected]);
    expect([response.headers.get('set-cookie'), response.headers.get('cache-control')]).toEqual([null, 'no-store']);
  });

  test('a bad token is no reason to keep the way to a good one secret; its neighbours stay closed', async () => {
    await using gateway = await startGateway({ env: jwt });
    const headers = { authorization: 'Bearer bad' };
    expect((await fetch(`${gateway.url}/api/sign-in?x=1`, { headers })).status).toBe(200);
    for (const path of ['/api/sign-in/', '/api/sign-in/x', '/api/sign-inx', '/api/sign%2Din', '/api/me']) {
      expect([path, (await fetch(gateway.url + path, { headers })).status]).toEqual([path, 401]);
    }
  });
});

describe('SIGN_IN_URL', () => {
  const read = (value: string): string | undefined => loadConfig(configSpec, { AUTH_MODE: 'dev', SIGN_IN_URL: value }).signInUrl;

  test.each(['/oauth2/start?rd={return}', '/', 'https://login.example/?to={return}', 'http://localhost:4180/start'])('%s', (value) => {
    expect(read(value)).toBe(value);
  });

  test('empty is not set', () => {
    expect(read('')).toBeUndefined();
  });

  test.each([
    'javascript:alert(1)',
    'JavaScript://x/%0aalert(1)',
    'data:text/html,x',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    'https://',
    'https://a b/',
    'login',
    'ftp://x/',
  ])('%j is one clear error', (value) => {
    const problem = expect.stringMatching(
      /^SIGN_IN_URL must be a URL that starts https:\/\/ or http:\/\/, or a path that starts with one \//,
    );
    expect(() => read(value)).toThrow(expect.objectContaining({ constructor: ConfigError, problems: [problem] }));
  });
});
