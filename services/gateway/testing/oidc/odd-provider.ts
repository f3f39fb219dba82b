import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';

/** What an odd provider does with the ID token it owes. */
export interface Oddity {
  claims?: Record<string, unknown>;
  issuer?: string;
  audience?: string;
  /** Seconds by which its clock differs. */
  skew?: number;
  sign?: 'well' | 'by-somebody' | 'not-at-all';
  nonce?: string;
  refresh?: boolean;
  expiresIn?: number;
}

export interface OddProvider {
  issuer: string;
  odd: Oddity;
  /** How each path is answered: a status, or nothing at all. */
  broken: Record<string, number | 'hangs' | 'nonsense'>;
  /** Answers of the token endpoint by their kind, e.g. `{error: 'invalid_grant'}`. */
  refuses: { error: string } | null;
  readonly tokenCalls: URLSearchParams[];
  nonce: string;
  logoutToken(claims?: Record<string, unknown>, how?: { sign?: Oddity['sign']; audience?: string; age?: number }): Promise<string>;
  idToken(): Promise<string>;
  close(): Promise<void>;
}

const CLIENT = 'runnel';
export const LOGOUT = { 'http://schemas.openid.net/event/backchannel-logout': {} };

/** A provider of a few lines that does what it should, or wrong in one way. Its authorisation page is the test. */
export const startOddProvider = async (): Promise<OddProvider> => {
  const [own, other] = [await generateKeyPair('RS256', { extractable: true }), await generateKeyPair('RS256')];
  const jwk: JWK = { ...(await exportJWK(own.publicKey)), alg: 'RS256', kid: 'one', use: 'sig' };
  const keyOf = (sign: Oddity['sign']): CryptoKey => (sign === 'by-somebody' ? other : own).privateKey;

  const token = async (
    claims: Record<string, unknown>,
    { sign = 'well', issuer = odd.issuer, audience = CLIENT, skew = 0 }: Oddity,
  ): Promise<string> => {
    const now = Math.floor(Date.now() / 1000) + skew;
    const all = { iat: now, exp: now + 300, iss: issuer, aud: audience, ...claims };
    if (sign === 'not-at-all') return new UnsecuredJWT(all).encode();
    return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(keyOf(sign));
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x');
    const fault = odd.broken[pathname];
    if (fault === 'hangs') return;
    if (fault !== undefined) {
      response.writeHead(fault === 'nonsense' ? 200 : fault, { 'content-type': 'application/json' });
      return void response.end('<html>');
    }
    const json = (body: object, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const base = odd.issuer;
    if (pathname === '/.well-known/openid-configuration')
      return json({
        issuer: base,
        ...{ authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token`, jwks_uri: `${base}/keys` },
        ...{ response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] },
        authorization_response_iss_parameter_supported: true,
      });
    if (pathname === '/keys') return json({ keys: [jwk] });
    if (pathname !== '/token') return json({}, 404);
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      odd.tokenCalls.push(new URLSearchParams(body));
      if (odd.refuses) return json(odd.refuses, 400);
      void odd.idToken().then((idToken) =>
        json({
          ...{ access_token: 'opaque', token_type: 'Bearer', expires_in: odd.odd.expiresIn ?? 300, id_token: idToken },
          ...(odd.odd.refresh !== false && { refresh_token: `r${odd.tokenCalls.length}` }),
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const odd: OddProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    odd: {},
    broken: {},
    refuses: null,
    tokenCalls: [],
    nonce: '',
    idToken: () => token({ sub: 'ann', nonce: odd.odd.nonce ?? odd.nonce, sid: 's1', ...odd.odd.claims }, odd.odd),
    logoutToken: (claims = {}, { sign, audience, age = 0 } = {}) =>
      token(
        { sub: 'ann', jti: crypto.randomUUID(), events: LOGOUT, ...claims },
        { ...(sign && { sign }), ...(audience && { audience }), skew: -age },
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return odd;
};
