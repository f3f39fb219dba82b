import { createProvider, type Provider } from './provider.ts';
import { createOidcAuth } from './oidc-auth.ts';
import { createSessions, type Renewal, type Sessions } from './sessions.ts';
import type { StoreGrants, StoreHealth } from '@runnel/coordination';
import type { GatewayConfig } from '../../config.ts';
import type { Auth } from '../auth.ts';
import type { LiveGrants } from '../grants/live-grants.ts';

export const CALLBACK_PATH = '/api/sign-in/callback';

/** Everything of signing in with a provider; its routes are `http/api/oidc.ts`. */
export interface Oidc {
  auth: Auth;
  provider: Provider;
  sessions: Sessions;
  publicUrl: string;
  secure: boolean;
}

export interface OidcDeps {
  config: GatewayConfig;
  store: StoreGrants & StoreHealth;
  live: LiveGrants;
  renewal: (outcome: Renewal, userId: string, sessionId: string) => void;
}

/** The page's address without a slash at its end. */
const bare = (url: string): string => url.replace(/\/+$/, '');

export const createOidc = ({ config, store, live, renewal }: OidcDeps): Oidc => {
  const { oidcIssuer: issuer, oidcClientId: clientId, publicUrl: given, sessionIdleMs: idleMs, sessionMaxMs: maxMs } = config;
  const checkMs = config.sessionCheckMs;
  const publicUrl = bare(given!);
  const secure = publicUrl.startsWith('https:');
  const clientSecret = config.oidcClientSecret ?? config.oidcClientSecretFile?.text.trim();
  const redirectUri = publicUrl + CALLBACK_PATH;
  const client = { issuer: issuer!, clientId: clientId!, clientSecret, scopes: config.oidcScopes, redirectUri };
  const provider = createProvider(client, { insecure: issuer!.startsWith('http:') });
  const sessions = createSessions({ store, live, provider, rules: config, idleMs, maxMs, checkMs, renewal });
  const auth = createOidcAuth({
    sessions,
    provider,
    rules: { ...config, audience: config.jwtAudience ?? clientId!, algorithms: 'keys' },
    cookie: config.sessionCookie,
    secure,
  });
  return { auth, provider, sessions, publicUrl, secure };
};
