import type { FastifyReply, FastifyRequest } from 'fastify';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import { ConfigError } from '@runnel/kit';
import { newId, RunnelError } from '@runnel/protocol';
import type { GatewayConfig } from '../config.ts';
import type { AuthMode } from '../config-doors.ts';
import { isUserId, type Identity } from './identity.ts';
import { groupsOf, roleOf, type RoleRules } from './roles.ts';
import { createGuests, sessionCookie, type Guests } from './session-cookie.ts';
import { checkLife, isLogoutToken } from './token-rules.ts';

export interface Auth {
  readonly mode: AuthMode;
  /** A token from `hello` or a header; rejects with `unauthorized`, `token-expired`, or `unavailable` (the keys cannot be had). */
  verify(token: string): Promise<Omit<Identity, 'source'> & Partial<Pick<Identity, 'source'>>>;
  /**
   * Who an upgrade request speaks for, by its headers, cookie and query alone; null: `hello` must bring a token.
   * Rejects when an `Authorization` header is present and bad.
   * In dev mode a guest without a cookie gets one: `setCookie` is the `Set-Cookie` value for the answer.
   */
  identify(request: FastifyRequest): Promise<{ identity: Identity | null; setCookie?: string }>;
  /** The same for plain HTTP: sets the guest cookie on the reply and rejects with `unauthorized` when nobody is known. */
  require(request: FastifyRequest, reply: FastifyReply): Promise<Identity>;
}

type AuthConfig = Pick<
  GatewayConfig,
  'authMode' | 'jwtSecret' | 'jwksUrl' | 'jwtIssuer' | 'jwtAudience' | 'jwtMaxAgeMs' | 'adminScope' | 'sessionCookie' | keyof RoleRules
> &
  Partial<Pick<GatewayConfig, 'jwtSecretPrevious'>>;
type Identified = Awaited<ReturnType<Auth['identify']>>;

const CLOCK_TOLERANCE_SECONDS = 5;
const MOST_SCOPES = 200;
/** Longer than any issuer makes, so not worth hashing. */
const MAX_TOKEN_CHARS = 8192;
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
export const KEY_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/**
 * `guestKey` signs the cookies of guests; all gateways have the same.
 *
 * @throws ConfigError when jwt mode has no key, or two
 */
export const createAuth = (config: AuthConfig, guestKey: () => string = ownKey()): Auth =>
  config.authMode === 'dev' ? devAuth(config.sessionCookie, createGuests(guestKey)) : jwtAuth(config);

const ownKey = (): (() => string) => {
  const key = newId() + newId();
  return () => key;
};

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Asked before a request's body is read and again by its route: one answer, and one guest. */
export const requireBy = (identify: Auth['identify']): Auth['require'] => {
  const known = new WeakMap<FastifyRequest, Identity>();
  return async (request, reply) => {
    const before = known.get(request);
    if (before !== undefined) return before;
    const { identity, setCookie } = await identify(request);
    if (identity === null) throw new RunnelError('unauthorized');
    if (identity.readOnly && !READING.has(request.method)) throw new RunnelError('forbidden', 'This key may only read.');
    if (setCookie !== undefined) reply.header('set-cookie', setCookie);
    known.set(request, identity);
    return identity;
  };
};

/** Callers say who they are. For one's own machine and for tests. */
const devAuth = (cookie: string, guests: Guests): Auth => {
  const identify = async (request: FastifyRequest): Promise<Identified> => {
    const { user_id: named } = request.query as { user_id?: unknown };
    if (named !== undefined) {
      if (!isUserId(named)) throw new RunnelError('unauthorized', 'This user_id cannot be used.');
      return { identity: { userId: named, source: 'query', expiresAt: null } };
    }
    const known = guests.read(sessionCookie(request, cookie));
    const userId = known?.userId ?? guests.create();
    const identity: Identity = { userId, source: 'guest', expiresAt: null };
    return known?.old === false ? { identity } : { identity, setCookie: guests.setCookie(userId, request, cookie) };
  };
  return {
    mode: 'dev',
    verify: async () => {
      throw new RunnelError('unauthorized', 'Tokens mean nothing in dev mode.');
    },
    identify,
    require: requireBy(identify),
  };
};

/** What a token has to be, besides signed. */
export interface JwtRules extends RoleRules {
  issuer: string | undefined;
  audience: string | undefined;
  jwtMaxAgeMs: number;
  adminScope: string;
  /** By a shared secret, or by keys of which the public half is known. */
  algorithms: 'secret' | 'keys';
}

/** Where keys are had, or the shared secrets, the present one first. */
type Keys = JWTVerifyGetKey | readonly [Uint8Array, ...Uint8Array[]];

/** Only a signature that is not of this secret is looked at by the one before: what is expired or for somebody else stays so. */
const payloadBy = async (token: string, keys: Keys, options: JWTVerifyOptions): Promise<JWTPayload> => {
  if (typeof keys === 'function') return (await jwtVerify(token, keys, options)).payload;
  const [secret, ...before] = keys;
  try {
    return (await jwtVerify(token, secret, options)).payload;
  } catch (cause) {
    const [next, ...rest] = before;
    if (next === undefined || !(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause;
    return payloadBy(token, [next, ...rest], options);
  }
};

/** @throws RunnelError `unauthorized`, `token-expired`, `unavailable` */
export const verifyJwt = async (token: string, keys: Keys, rules: JwtRules): Promise<Omit<Identity, 'source'>> => {
  const { issuer, audience } = rules;
  const options: JWTVerifyOptions = {
    algorithms: rules.algorithms === 'secret' ? SECRET_ALGORITHMS : KEY_ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  if (token.length > MAX_TOKEN_CHARS) throw new RunnelError('unauthorized', 'This token is too long.');
  try {
    const payload = await payloadBy(token, keys, options);
    if (isLogoutToken(payload)) throw new RunnelError('unauthorized', 'A logout token lets nobody in.');
    checkLife(payload, rules.jwtMaxAgeMs, Date.now());
    return identityOf(payload, rules);
  } catch (cause) {
    throw toAuthError(cause);
  }
};

/** The token of a request's `Authorization`; undefined: there is none. Throws `unauthorized` for another kind. */
export const bearerOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined => {
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new RunnelError('unauthorized', 'Authorization must be a Bearer token.');
  return token;
};

const jwtAuth = (config: AuthConfig): Auth => {
  const keys = keysOf(config);
  const { jwtIssuer: issuer, jwtAudience: audience, jwksUrl } = config;
  const rules: JwtRules = { ...config, issuer, audience, algorithms: jwksUrl === undefined ? 'secret' : 'keys' };
  const verify = (token: string): Promise<Omit<Identity, 'source'>> => verifyJwt(token, keys, rules);
  const identify = async (request: FastifyRequest): Promise<Identified> => {
    const token = bearerOf(request);
    if (token !== undefined) return { identity: { ...(await verify(token)), source: 'header' } };
    const cookie = sessionCookie(request, config.sessionCookie);
    if (cookie === undefined) return { identity: null };
    // A stale cookie is nobody: `hello` may still bring a good token.
    const known = await verify(cookie).catch(unlessUnavailable);
    return { identity: known && { ...known, source: 'cookie' } };
  };
  return { mode: 'jwt', verify, identify, require: requireBy(identify) };
};

const keysOf = ({ jwtSecret, jwtSecretPrevious, jwksUrl }: AuthConfig): Keys => {
  if (jwtSecret !== undefined && jwksUrl !== undefined) throw new ConfigError(['JWT_SECRET and JWKS_URL exclude each other']);
  const bytes = (secret: string): Uint8Array => new TextEncoder().encode(secret);
  if (jwtSecret !== undefined) return [bytes(jwtSecret), ...(jwtSecretPrevious === undefined ? [] : [bytes(jwtSecretPrevious)])];
  if (jwksUrl !== undefined) return createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 2000, cooldownDuration: 5000 });
  throw new ConfigError(['AUTH_MODE=jwt needs JWT_SECRET or JWKS_URL']);
};

/** RFC 8693's `scope`, space-separated, or a list, as some issuers write it. */
const scopesOf = ({ scope, scp }: JWTPayload): string[] => {
  const given: unknown = scope ?? scp;
  const words: unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : [];
  return words.filter((word): word is string => typeof word === 'string' && word !== '').slice(0, MOST_SCOPES);
};

const identityOf = (payload: JWTPayload, rules: RoleRules & { adminScope: string }): Omit<Identity, 'source'> => {
  const { sub, exp } = payload;
  if (!isUserId(sub)) throw new RunnelError('unauthorized', 'The `sub` of this token cannot be used.');
  const role = roleOf(payload, rules);
  if (role === null) throw new RunnelError('unauthorized', 'This person has none of the roles that are let in.');
  const scopes = scopesOf(payload);
  const groups = groupsOf(payload, rules);
  const admin = scopes.includes(rules.adminScope);
  return {
    ...{ userId: sub, expiresAt: exp! * 1000, ...(role !== 'user' && { role }), ...(admin && { admin: true }) },
    ...(groups.length > 0 && { groups }),
    ...(scopes.length > 0 && { scopes }),
  };
};

/** A token that is wrong is the caller's; keys that cannot be fetched (jose has no class of its own for a 500 or no JSON) are ours. */
const toAuthError = (cause: unknown): RunnelError => {
  if (cause instanceof RunnelError) return cause;
  if (cause instanceof errors.JWTExpired) return new RunnelError('token-expired', 'The token has expired.', { cause });
  const ours =
    cause instanceof errors.JWKSTimeout ||
    cause instanceof errors.JWKSInvalid ||
    !(cause instanceof errors.JOSEError) ||
    cause.code === errors.JOSEError.code;
  return ours
    ? new RunnelError('unavailable', 'The keys that check tokens cannot be had; try again soon.', { cause, retryAfterMs: 2_000 })
    : new RunnelError('unauthorized', 'This token is not valid.', { cause });
};

const unlessUnavailable = (error: unknown): null => {
  if (error instanceof RunnelError && error.code === 'unavailable') throw error;
  return null;
};
