import type { FastifyRequest } from 'fastify';
import { bearerOf, requireBy, verifyJwt, type Auth, type JwtRules } from '../auth.ts';
import { sessionCookie } from '../session-cookie.ts';
import type { Provider } from './provider.ts';
import type { Sessions } from './sessions.ts';

export interface OidcAuthDeps {
  sessions: Pick<Sessions, 'find'>;
  provider: Pick<Provider, 'keys'>;
  /** Of Bearer tokens of the same provider. */
  rules: Omit<JwtRules, 'issuer'>;
  cookie: string;
  /** The page is served over TLS, whatever this hop is. */
  secure: boolean;
}

/** The session's secret that a request brings. Throws `unauthorized` for two. */
export const secretOf = ({ headers }: Pick<FastifyRequest, 'headers'>, { cookie, secure }: Pick<OidcAuthDeps, 'cookie' | 'secure'>) =>
  sessionCookie({ headers, protocol: secure ? 'https' : 'http' }, cookie);

/** Who somebody is by a session of their browser, or by a Bearer token of the same provider. */
export const createOidcAuth = ({ sessions, provider, rules, ...where }: OidcAuthDeps): Auth => {
  const verify: Auth['verify'] = async (token) => {
    const { key, issuer } = await provider.keys();
    return verifyJwt(token, key, { ...rules, issuer });
  };
  const identify: Auth['identify'] = async (request) => {
    const token = bearerOf(request);
    if (token !== undefined) return { identity: { ...(await verify(token)), source: 'header' } };
    const secret = secretOf(request, where);
    return { identity: secret === undefined ? null : await sessions.find(secret) };
  };
  return { mode: 'oidc', verify, identify, require: requireBy(identify) };
};
