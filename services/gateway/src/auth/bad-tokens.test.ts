import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';

const SECRET = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const now = Math.floor(Date.now() / 1000);
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

type Header = Record<string, unknown>;
const hmac = (claims: object, header: Header = { alg: 'HS256' }, secret = SECRET, hash = 'sha256'): string => {
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
};

/** A claim that fits, and every way to spoil one. */
const SPOILT: Readonly<Record<string, readonly unknown[]>> = {
  exp: [undefined, null, now - 60, String(now + 60), now + 400 * 86_400, 1e308, -1, [now + 60], true],
  nbf: [now + 600, 'soon'],
  sub: [undefined, null, 5, ['ann'], '', 'x'.repeat(2000), 'a\nb', 'a\0b', '\ud800', { id: 'ann' }],
};
const spoilt = (good: object): [string, object][] =>
  Object.entries(SPOILT).flatMap(([claim, values]) =>
    values.map((value): [string, object] => [`${claim} ${JSON.stringify(value)?.slice(0, 30)}`, { ...good, [claim]: value }]),
  );

/** By header, by cookie and by the first frame: nobody, and never with 500. */
const expectNobody = async (gateway: TestGateway, name: string, token: string): Promise<void> => {
  const status = async (headers: Record<string, string>) => (await fetch(`${gateway.url}/api/me`, { headers })).status;
  expect([name, await status({ authorization: `Bearer ${token}` })]).toEqual([name, 401]);
  expect([name, await status({ cookie: `runnel_session=${token}` })]).toEqual([name, 401]);
  const socket = await gateway.connect({ query: {}, hello: false });
  socket.send({ type: 'hello', protocol: 1, token });
  expect([name, await socket.closedWith]).toEqual([name, 4503]);
};

test('S-12 no spoilt claim, algorithm or key makes anybody, by whichever way the token comes', async () => {
  await using gateway = await startGateway({ env: { AUTH_MODE: 'jwt', JWT_SECRET: SECRET } });
  const good = { sub: 'ann', iat: now, exp: now + 3600 };
  expect((await fetch(`${gateway.url}/api/me`, { headers: { authorization: `Bearer ${hmac(good)}` } })).status).toBe(200);
  const forged: [string, string][] = [
    ...['none', 'None', 'NONE', '', null, 'HS1'].flatMap((alg): [string, string][] => [
      [`alg ${alg}`, `${encoded({ alg })}.${encoded(good)}.`],
      [`alg ${alg}, signed`, hmac(good, { alg })],
    ]),
    ...['HS384', 'HS512', 'RS256', 'ES256', 'EdDSA'].map((alg): [string, string] => [`says ${alg}`, hmac(good, { alg })]),
    ...['', 'x', SECRET.toUpperCase(), SECRET.slice(1)].map((key): [string, string] => [
      `key ${key.slice(0, 9)}`,
      hmac(good, undefined, key),
    ]),
    ...[
      { kid: '../../../../dev/null' },
      { jku: 'http://127.0.0.1:1/' },
      { jwk: { kty: 'oct', k: 'eA' } },
      { x5u: 'http://127.0.0.1:1/' },
      { crit: ['x'], x: 1 },
      { b64: false, crit: ['b64'] },
    ].map((more): [string, string] => [JSON.stringify(more), hmac(good, { alg: 'HS256', ...more }, 'crit' in more ? SECRET : '')]),
    ['too long', hmac({ ...good, pad: 'x'.repeat(9_000) })],
    ['four parts', `${hmac(good)}.x`],
    ['encrypted', `${encoded({ alg: 'dir', enc: 'A256GCM' })}.a.b.c.d`],
    ['claims that are no object', hmac(['ann'])],
  ];
  const claims = spoilt(good).map(([name, spoiltClaims]): [string, string] => [name, hmac(spoiltClaims)]);
  for (const [name, token] of [...forged, ...claims]) await expectNobody(gateway, name, token);
});

test('S-12 a public key is no secret, and a provider’s token for somebody else’s application is none for us', async () => {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const others = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = keys.publicKey.export({ format: 'jwk' });
  const provider = createServer((_request, response) => response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'k1', alg: 'RS256' }] })));
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  onTestFinished(() => void provider.close());
  const env = {
    AUTH_MODE: 'jwt',
    JWKS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`,
    JWT_ISSUER: 'https://iss.example',
    JWT_AUDIENCE: 'runnel',
  };
  await using gateway = await startGateway({ env });
  const rsa = (claims: object, header: Header = { alg: 'RS256', kid: 'k1' }, key = keys.privateKey): string => {
    const signed = `${encoded(header)}.${encoded(claims)}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`;
  };
  const good = { sub: 'ann', iat: now, exp: now + 600, iss: 'https://iss.example', aud: 'runnel' };
  for (const aud of ['runnel', ['other', 'runnel']])
    expect((await fetch(`${gateway.url}/api/me`, { headers: { authorization: `Bearer ${rsa({ ...good, aud })}` } })).status).toBe(200);
  const pem = String(keys.publicKey.export({ type: 'spki', format: 'pem' }));
  const bad: [string, string][] = [
    ...[pem, pem.trim(), jwk.n!, JSON.stringify(jwk)].map((secret, i): [string, string] => [
      `the public key as a secret ${i}`,
      hmac(good, { alg: 'HS256', kid: 'k1' }, secret),
    ]),
    ...[undefined, 'other', 'RUNNEL', '', ['other'], { runnel: 1 }].map((aud): [string, string] => [
      `aud ${String(aud)}`,
      rsa({ ...good, aud }),
    ]),
    ...[undefined, 'https://iss.example/', 'https://evil.example', ['https://iss.example']].map((iss): [string, string] => [
      `iss ${String(iss)}`,
      rsa({ ...good, iss }),
    ]),
    ['another key', rsa(good, undefined, others.privateKey)],
    ['its own key', rsa(good, { alg: 'RS256', jwk: others.publicKey.export({ format: 'jwk' }) }, others.privateKey)],
    ['its own key set', rsa(good, { alg: 'RS256', kid: 'k1', jku: env.JWKS_URL }, others.privateKey)],
    ['a path as kid', rsa(good, { alg: 'RS256', kid: '../../etc/passwd' })],
    ['another algorithm', rsa(good, { alg: 'RS512', kid: 'k1' })],
    ['none', `${encoded({ alg: 'none', kid: 'k1' })}.${encoded(good)}.`],
  ];
  for (const [name, token] of bad) await expectNobody(gateway, name, token);
});
