import { SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { createAuth } from '../../auth/auth.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const SECRET = 'a-secret-of-at-least-32-characters-long';
const env = { AUTH_MODE: 'jwt', JWT_SECRET: SECRET };
const LIFE_MS = 1500;

const tokenOf = (sub: string, exp: number) =>
  new SignJWT({ sub }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(exp).sign(new TextEncoder().encode(SECRET));

test('S-24 a /v1 stream ends when its token does, and says why', async () => {
  const limits = { jwtSecret: SECRET, jwksUrl: undefined, jwtIssuer: undefined, jwtAudience: undefined };
  const auth = createAuth({
    ...limits,
    authMode: 'jwt',
    jwtMaxAgeMs: 86_400_000,
    adminScope: 'admin',
    rolesClaim: 'roles',
    groupsClaim: 'groups',
    adminRoles: [],
    auditorRoles: [],
    userRoles: [],
    sessionCookie: 'sid',
  });
  // A token lives for whole seconds; its end is moved to where the test can wait for it.
  const soon = {
    ...auth,
    require: vi.fn(async (...args: Parameters<typeof auth.require>) => ({ ...(await auth.require(...args)), expiresAt })),
  };
  const expiresAt = Date.now() + LIFE_MS;
  await using gateway = await startGateway({ env, auth: soon });
  const authorization = `Bearer ${await tokenOf('ann', Math.floor(Date.now() / 1000) + 60)}`;
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'count', stream: true, messages: [{ role: 'user', content: 'wait' }] }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  expect(text).toContain('token');
  expect(text).not.toContain('[DONE]');
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt - 5);
});
