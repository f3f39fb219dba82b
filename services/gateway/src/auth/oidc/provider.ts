import { createRemoteJWKSet, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import * as client from 'openid-client';
import { RunnelError } from '@runnel/protocol';
import { KEY_ALGORITHMS } from '../auth.ts';
import { isLogoutToken } from '../token-rules.ts';
import type { Flow } from './sign-in-flow.ts';

const CALL_SECONDS = 5;
/** A provider that is down is asked this often at most, however many people wait. */
const ASK_AGAIN_MS = 1_000;
/** Keys are asked for again when one is unknown, this often at most. */
const ROTATION_MS = 1_000;
/** Endpoints move, rarely; what was discovered goes on where the provider is away. */
const DISCOVERED_MS = 3_600_000;
const LOGOUT_AGE_SECONDS = 120;
/** It was made for this sign-in, a moment ago. */
const ID_TOKEN_AGE_SECONDS = 300;
const CLOCK_TOLERANCE_SECONDS = 30;

export interface ProviderConfig {
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  scopes: string;
  redirectUri: string;
}

/** What the provider said of somebody. */
export interface Signed {
  claims: JWTPayload & { sub: string };
  idToken: string;
  refreshToken: string | undefined;
  /** How long the provider stands by it, ms; null: it did not say. */
  freshMs: number | null;
}

/** Whose sessions end: all of a person, one of them, or the one of this name, whoever's that is. */
export type LoggedOut = { sub: string; sid: string | undefined } | { sub: undefined; sid: string };

/** Why nobody was let in: the provider or the browser said no, or what came is not what was asked for. */
export class Refused extends Error {}

export interface Provider {
  /** Where to send the browser. @throws RunnelError `unavailable` */
  startUrl(flow: Flow): Promise<string>;
  /** Who came back. @throws Refused, RunnelError `unavailable` */
  finish(callback: URL, flow: Flow): Promise<Signed>;
  /** @throws Refused (the provider has ended it), RunnelError `unavailable` */
  renew(refreshToken: string, subject: string): Promise<Omit<Signed, 'idToken' | 'claims'> & Partial<Pick<Signed, 'idToken' | 'claims'>>>;
  /** Where a browser signs out of the provider; null: it has no such place. */
  endUrl(idToken: string | undefined, backTo: string): Promise<string | null>;
  /** Whose sessions end, by a logout token. @throws Refused, RunnelError `unavailable` */
  loggedOut(token: string): Promise<LoggedOut>;
  /** The keys and the issuer as they are to be checked in a Bearer token. @throws RunnelError `unavailable` */
  keys(): Promise<{ key: JWTVerifyGetKey; issuer: string }>;
}

const unavailable = (cause: unknown): RunnelError =>
  new RunnelError('unavailable', 'The identity provider cannot be reached; try again soon.', { cause, retryAfterMs: 2_000 });

/** Words of OAuth that are a verdict about this browser's request; all others are the provider's trouble. */
const VERDICTS = new Set([
  'access_denied',
  'invalid_grant',
  'login_required',
  'consent_required',
  'interaction_required',
  'invalid_request',
]);
/** What openid-client finds wrong in an answer that did come. */
const WRONG = /^OAUTH_(INVALID_RESPONSE|JWT_|JSON_ATTRIBUTE|UNSUPPORTED|KEY_SELECTION)/;

const verdictOf = (cause: unknown): Error => {
  if (cause instanceof Refused) return cause;
  if (cause instanceof client.AuthorizationResponseError || cause instanceof client.ResponseBodyError) {
    const isOurs = cause instanceof client.ResponseBodyError && cause.status >= 500;
    return VERDICTS.has(cause.error) && !isOurs ? new Refused(cause.error, { cause }) : unavailable(cause);
  }
  const { code, status } = cause as { code?: string; cause?: unknown; status?: number };
  if (status !== undefined && status >= 500) return unavailable(cause);
  const inner = (cause as { cause?: { status?: number } }).cause;
  if (typeof inner?.status === 'number' && inner.status >= 500) return unavailable(cause);
  return code !== undefined && WRONG.test(code) ? new Refused(code, { cause }) : unavailable(cause);
};

const wordIn = (claim: unknown): string | undefined => (typeof claim === 'string' && claim !== '' ? claim : undefined);

/** Of jose: the keys could not be had, or they say no. */
const notSigned = (cause: unknown): Error => {
  const { code = '' } = cause as { code?: string };
  const isWrong = /^ERR_(JWT|JWS|JOSE_ALG|JWKS_NO_MATCHING)/.test(code);
  return isWrong ? new Refused(code, { cause }) : unavailable(cause);
};

export const createProvider = (config: ProviderConfig, { insecure = false, now = Date.now } = {}): Provider => {
  let known: { configuration: client.Configuration; key: JWTVerifyGetKey; at: number } | undefined;
  let asking: Promise<NonNullable<typeof known>> | undefined;
  let failed: { at: number; error: RunnelError } | undefined;

  const discover = async (): Promise<NonNullable<typeof known>> => {
    const method = config.clientSecret === undefined ? client.None() : client.ClientSecretBasic(config.clientSecret);
    const execute = insecure ? [client.allowInsecureRequests] : [];
    const configuration = await client.discovery(
      new URL(config.issuer),
      config.clientId,
      { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
      method,
      { execute, timeout: CALL_SECONDS },
    );
    const { jwks_uri: keys } = configuration.serverMetadata();
    if (keys === undefined) throw new Error('the provider has no jwks_uri');
    configuration.timeout = CALL_SECONDS;
    const key = createRemoteJWKSet(new URL(keys), { timeoutDuration: CALL_SECONDS * 1000, cooldownDuration: ROTATION_MS });
    return { configuration, key, at: now() };
  };
  const ready = async (): Promise<NonNullable<typeof known>> => {
    if (known && now() - known.at < DISCOVERED_MS) return known;
    if (failed && now() - failed.at < ASK_AGAIN_MS) {
      if (known) return known;
      throw failed.error;
    }
    asking ??= discover()
      .then((found) => (known = found))
      .catch((cause: unknown) => {
        failed = { at: now(), error: unavailable(cause) };
        if (known) return known;
        throw failed.error;
      })
      .finally(() => (asking = undefined));
    return asking;
  };
  /** TLS would do for tokens that come straight from the provider; a signature holds also where something between ends TLS. */
  const signature = async (idToken: string): Promise<void> => {
    const { key, configuration } = await ready();
    const { issuer } = configuration.serverMetadata();
    const rules = {
      issuer,
      audience: config.clientId,
      algorithms: KEY_ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: ID_TOKEN_AGE_SECONDS,
    };
    await jwtVerify(idToken, key, rules).catch((cause: unknown) => {
      throw notSigned(cause);
    });
  };
  const signedOf = (tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>): Omit<Signed, 'claims' | 'idToken'> => {
    const seconds = tokens.expiresIn();
    return { refreshToken: tokens.refresh_token, freshMs: seconds === undefined ? null : seconds * 1000 };
  };

  return {
    async startUrl({ state, nonce, verifier }) {
      const { configuration } = await ready();
      const challenge = await client.calculatePKCECodeChallenge(verifier);
      return client.buildAuthorizationUrl(configuration, {
        ...{ redirect_uri: config.redirectUri, scope: config.scopes, state, nonce },
        ...{ code_challenge: challenge, code_challenge_method: 'S256', response_type: 'code' },
      }).href;
    },
    async finish(callback, { state, nonce, verifier, issuer }) {
      const { configuration } = await ready();
      // Begun with another provider, before the configuration changed.
      if (issuer !== configuration.serverMetadata().issuer) throw new Refused('another issuer');
      const given = callback.searchParams.get('iss');
      if (given !== null && given !== issuer) throw new Refused('an answer of another issuer');
      const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true };
      try {
        const tokens = await client.authorizationCodeGrant(configuration, callback, checks);
        await signature(tokens.id_token!);
        return { ...signedOf(tokens), claims: tokens.claims()!, idToken: tokens.id_token! };
      } catch (cause) {
        throw verdictOf(cause);
      }
    },
    async renew(refreshToken, subject) {
      const { configuration } = await ready();
      try {
        const tokens = await client.refreshTokenGrant(configuration, refreshToken);
        const claims = tokens.claims();
        if (claims && claims.sub !== subject) throw new Refused('another person');
        if (claims) await signature(tokens.id_token!);
        return { ...signedOf(tokens), ...(claims && { claims, idToken: tokens.id_token! }) };
      } catch (cause) {
        throw verdictOf(cause);
      }
    },
    async endUrl(idToken, backTo) {
      const { configuration } = await ready();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
      const parameters = { post_logout_redirect_uri: backTo, ...(idToken !== undefined && { id_token_hint: idToken }) };
      return client.buildEndSessionUrl(configuration, parameters).href;
    },
    async loggedOut(token) {
      const { key, issuer } = await this.keys();
      let payload: JWTPayload;
      try {
        ({ payload } = await jwtVerify(token, key, {
          ...{ issuer, audience: config.clientId, algorithms: KEY_ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_SECONDS },
          ...{ maxTokenAge: LOGOUT_AGE_SECONDS, requiredClaims: ['iat', 'jti', 'events'] },
        }));
      } catch (cause) {
        throw notSigned(cause);
      }
      // An ID token is signed by the same key; it has a nonce, and a logout token must not.
      if (!isLogoutToken(payload) || payload['nonce'] !== undefined) throw new Refused('no logout token');
      const sid = wordIn(payload['sid']);
      const sub = wordIn(payload.sub);
      if (sub !== undefined) return { sub, sid };
      if (sid === undefined) throw new Refused('nobody in a logout token');
      return { sub, sid };
    },
    async keys() {
      const { key, configuration } = await ready();
      return { key, issuer: configuration.serverMetadata().issuer };
    },
  };
};
