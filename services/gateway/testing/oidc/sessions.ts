import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { createProvider } from '../../src/auth/oidc/provider.ts';
import { createSessions, type Sessions, type SessionsDeps } from '../../src/auth/oidc/sessions.ts';

export interface TestSessions extends Sessions {
  /** What became of each renewal, in order. */
  outcomes: string[];
  store: RunLog;
}

/** The sessions of one gateway, with the time told by the test: its own and, unless a store is given, the store's. */
export const testSessions = (
  issuer: string,
  { now = Date.now, store = createMemoryRunLog({ now }), ...deps }: Partial<SessionsDeps> & { store?: RunLog } = {},
): TestSessions => {
  const provider = createProvider(
    { issuer, clientId: 'runnel', clientSecret: undefined, scopes: 'openid', redirectUri: 'http://x/' },
    { insecure: true },
  );
  const outcomes: string[] = [];
  const sessions = createSessions({
    ...{ store, provider, now, idleMs: 0, maxMs: 86_400_000, checkMs: 300_000, live: { watch: () => () => {} } },
    renewal: (word) => void outcomes.push(word),
    rules: { rolesClaim: 'roles', groupsClaim: 'groups', adminRoles: ['boss'], auditorRoles: [], userRoles: [] },
    ...deps,
  });
  return { ...sessions, outcomes, store };
};

/** Somebody the provider has just vouched for, for so long. */
export const signed = (sub = 'ann', freshMs = 300_000) => ({ claims: { sub }, idToken: 'x', refreshToken: 'r0', freshMs });
