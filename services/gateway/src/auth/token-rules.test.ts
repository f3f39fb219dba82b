import { randomBytes } from 'node:crypto';
import { loadConfig, type ConfigError } from '@runnel/kit';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createAuth } from './auth.ts';
import { configSpec } from '../config.ts';
import { isGuessable } from './token-rules.ts';

const SECRET = 'a-secret-of-at-least-32-characters-long';
const jwks = { AUTH_MODE: 'jwt', JWKS_URL: 'https://id.example.org/keys', JWT_ISSUER: 'https://id.example.org', JWT_AUDIENCE: 'runnel' };
const problems = (env: Record<string, string>): string => {
  try {
    loadConfig(configSpec, env);
    return '';
  } catch (error) {
    return (error as ConfigError).problems.join('\n');
  }
};

test('S-12 keys of a shared provider need an issuer and an audience, and come over TLS', () => {
  expect(problems(jwks)).toBe('');
  expect(problems({ ...jwks, JWT_AUDIENCE: '' })).toContain('JWT_AUDIENCE');
  expect(problems({ ...jwks, JWT_ISSUER: '' })).toContain('JWT_ISSUER');
  expect(problems({ ...jwks, JWKS_URL: 'http://id.example.org/keys' })).toContain('https://');
  expect(problems({ ...jwks, JWKS_URL: 'http://127.0.0.1:8000/keys' })).toBe('');
  expect(problems({ AUTH_MODE: 'jwt', JWT_SECRET: SECRET })).toBe('');
});

test('S-12 a secret that is a letter or a word repeated is refused, random ones of any alphabet are not', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 15, unit: 'grapheme-ascii' }), (word) => isGuessable(word.repeat(40).slice(0, 48))),
  );
  for (let i = 0; i < 500; i++)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) expect(isGuessable(randomBytes(24).toString(encoding))).toBe(false);
  for (const secret of [SECRET, 'a secret of more than thirty-two characters']) expect(isGuessable(secret)).toBe(false);
  expect(problems({ AUTH_MODE: 'jwt', JWT_SECRET: 'a'.repeat(40) })).toContain('JWT_SECRET');
});

test('S-12 a token has an end, and one within a day of its beginning', async () => {
  const auth = createAuth(loadConfig(configSpec, { AUTH_MODE: 'jwt', JWT_SECRET: SECRET, ADMIN_SCOPE: 'runnel:admin' }));
  const now = Math.floor(Date.now() / 1000);
  const HOUR = 3600;
  const verify = async (claims: Record<string, unknown>) =>
    auth.verify(await new SignJWT({ sub: 'ann', ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET)));
  const good = [
    { exp: now + HOUR },
    { iat: now, exp: now + 24 * HOUR },
    { exp: now + 24 * HOUR },
    { iat: now - 23 * HOUR, exp: now + HOUR },
    { iat: now + 60, exp: now + HOUR },
  ];
  for (const claims of good) expect((await verify(claims)).userId).toBe('ann');
  const bad = [
    {},
    { iat: now },
    { exp: now + 25 * HOUR },
    { iat: now, exp: now + 100 * 365 * 24 * HOUR },
    { iat: now - 24 * HOUR, exp: now + HOUR },
    { iat: now + 10 * 365 * 24 * HOUR, exp: now + 10 * 365 * 24 * HOUR + HOUR },
  ];
  for (const claims of bad) await expect(verify(claims), JSON.stringify(claims)).rejects.toMatchObject({ code: 'unauthorized' });
  expect((await verify({ exp: now + HOUR, scope: 'admin' })).admin).toBeUndefined();
  expect((await verify({ exp: now + HOUR, scope: 'x runnel:admin' })).admin).toBe(true);
});

test('S-12 while a secret is rotated both are good, and each alone before and after; nothing else of a token is forgiven', async () => {
  const [old, young] = [SECRET, 'another-secret-of-at-least-32-characters'];
  const now = Math.floor(Date.now() / 1000);
  const signed = (secret: string, exp = now + 600): Promise<string> =>
    new SignJWT({ sub: 'ann', exp }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
  const auth = (env: Record<string, string>) => createAuth(loadConfig(configSpec, { AUTH_MODE: 'jwt', ...env }));
  const [before, during, after] = [
    auth({ JWT_SECRET: old }),
    auth({ JWT_SECRET: young, JWT_SECRET_PREVIOUS: old }),
    auth({ JWT_SECRET: young }),
  ];
  const takes = (at: typeof before, token: string): Promise<boolean> =>
    at.verify(token).then(
      ({ userId }) => userId === 'ann',
      () => false,
    );
  const all = async (secret: string): Promise<boolean[]> => {
    const token = await signed(secret);
    return Promise.all([before, during, after].map((at) => takes(at, token)));
  };
  expect(await all(old)).toEqual([true, true, false]);
  expect(await all(young)).toEqual([false, true, true]);
  expect(await all('a-stranger-with-a-secret-of-32-characters')).toEqual([false, false, false]);
  await expect(during.verify(await signed(old, now - 600))).rejects.toMatchObject({ code: 'token-expired' });
  expect(problems({ AUTH_MODE: 'jwt', JWT_SECRET_PREVIOUS: old })).toContain('JWT_SECRET_PREVIOUS needs JWT_SECRET');
  expect(problems({ AUTH_MODE: 'jwt', JWT_SECRET: old, JWT_SECRET_PREVIOUS: 'a'.repeat(40) })).toContain(
    'JWT_SECRET_PREVIOUS is no secret',
  );
  expect(problems({ AUTH_MODE: 'dev', JWT_SECRET_PREVIOUS: old })).toContain('JWT_SECRET_PREVIOUS');
});
