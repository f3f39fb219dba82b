import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createAuth } from './auth.ts';

const SECRET = 'a secret of more than thirty-two characters';
const base = {
  jwtSecret: undefined,
  jwksUrl: undefined,
  jwtIssuer: undefined,
  jwtAudience: undefined,
  jwtMaxAgeMs: 86_400_000,
  adminScope: 'admin',
  rolesClaim: 'roles',
  groupsClaim: 'groups',
  adminRoles: [],
  auditorRoles: [],
  userRoles: [],
  sessionCookie: 'sid',
};
const requestOf = (parts: { query?: object; cookies?: object; authorization?: string } = {}) =>
  ({
    query: parts.query ?? {},
    protocol: 'http',
    headers: {
      ...(parts.cookies && {
        cookie: Object.entries(parts.cookies)
          .map(([name, value]) => `${name}=${value}`)
          .join('; '),
      }),
      ...(parts.authorization && { authorization: parts.authorization }),
    },
  }) as unknown as FastifyRequest;
const sign = (claims: object, { expires = '1h', secret = SECRET } = {}) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(expires).sign(new TextEncoder().encode(secret));

describe('dev mode', () => {
  const auth = createAuth({ ...base, authMode: 'dev' });

  test('user_id of the query names the user', async () => {
    expect(await auth.identify(requestOf({ query: { user_id: 'ann' } }))).toEqual({
      identity: { userId: 'ann', source: 'query', expiresAt: null },
    });
    for (const user_id of ['', 'a b', '{x}', 'x'.repeat(256), '.', '..', `~${'x'.repeat(43)}`, 'ann\n', ['a', 'b']]) {
      await expect(auth.identify(requestOf({ query: { user_id } }))).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  test('a guest keeps the cookie it was given', async () => {
    const first = await auth.identify(requestOf());
    expect(first.setCookie).toMatch(/^sid=guest-[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    const cookie = /^sid=([^;]+)/.exec(first.setCookie!)![1]!;
    const again = await auth.identify(requestOf({ cookies: { sid: cookie } }));
    expect(again).toEqual({ identity: { userId: first.identity!.userId, source: 'guest', expiresAt: null } });
  });
});

describe('jwt mode', () => {
  const auth = createAuth({ ...base, authMode: 'jwt', jwtSecret: SECRET, jwtIssuer: 'runnel', jwtAudience: 'chat' });
  const good = { sub: 'ann', iss: 'runnel', aud: 'chat' };

  test('a good token names its user and its end', async () => {
    const identity = await auth.verify(await sign(good));
    expect(identity.userId).toBe('ann');
    expect(identity.expiresAt! - Date.now()).toBeGreaterThan(3_500_000);
  });

  test('P-8 a token longer than any issuer makes is refused unread', async () => {
    await expect(auth.verify(await sign({ ...good, pad: 'x'.repeat(8192) }))).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('a wrong secret, issuer, audience, algorithm or subject is unauthorized; an old one has expired', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const bad = [
      await sign(good, { secret: `${SECRET}!` }),
      await sign({ ...good, iss: 'other' }),
      await sign({ ...good, aud: 'other' }),
      await sign({ ...good, sub: '{shard}' }),
      await sign({ iss: 'runnel', aud: 'chat' }),
      await new SignJWT(good).setProtectedHeader({ alg: 'RS256' }).setExpirationTime('1h').sign(privateKey),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`,
      'garbage',
    ];
    for (const token of bad) await expect(auth.verify(token)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(auth.verify(await sign(good, { expires: '-1m' }))).rejects.toMatchObject({ code: 'token-expired' });
  });

  test('W-2 a bad Authorization header is refused; a bad cookie leaves it to hello', async () => {
    const token = await sign(good);
    expect((await auth.identify(requestOf({ authorization: `Bearer ${token}` }))).identity).toMatchObject({
      userId: 'ann',
      source: 'header',
    });
    for (const authorization of ['Bearer nonsense', 'Basic abc', 'Bearer']) {
      await expect(auth.identify(requestOf({ authorization }))).rejects.toMatchObject({ code: 'unauthorized' });
    }
    expect((await auth.identify(requestOf({ cookies: { sid: token } }))).identity).toMatchObject({ userId: 'ann', source: 'cookie' });
    expect((await auth.identify(requestOf({ cookies: { sid: 'stale' } }))).identity).toBeNull();
    expect((await auth.identify(requestOf({ query: { user_id: 'root' } }))).identity).toBeNull();
  });

  test('HTTP without any identity is unauthorized', async () => {
    await expect(auth.require(requestOf(), {} as FastifyReply)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('asymmetric tokens are checked by the keys of JWKS_URL; keys that cannot be had are unavailable', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    let broken = true;
    const server = createServer((_request, response) => {
      if (broken) response.statusCode = 500;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    const token = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setExpirationTime('1h')
      .sign(privateKey);
    await expect(createAuth({ ...base, authMode: 'jwt', jwksUrl }).verify(token)).rejects.toMatchObject({ code: 'unavailable' });
    broken = false;
    expect(await createAuth({ ...base, authMode: 'jwt', jwksUrl }).verify(token)).toMatchObject({ userId: 'ann' });
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    await expect(createAuth({ ...base, authMode: 'jwt', jwksUrl }).verify(token)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a configuration without a key, or with two, is refused at the start', () => {
    expect(() => createAuth({ ...base, authMode: 'jwt' })).toThrow('JWT_SECRET or JWKS_URL');
    expect(() => createAuth({ ...base, authMode: 'jwt', jwtSecret: SECRET, jwksUrl: 'http://x' })).toThrow('exclude');
  });
});
