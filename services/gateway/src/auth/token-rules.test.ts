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
