import { readFileSync } from 'node:fs';
import { setting, type Rule } from '@runnel/kit';
import { isLoopback } from './auth/loopback.ts';

const CLAIM = '^[\\x21-\\x7e]{1,256}$';

/** Signing in with an identity provider, and what its claims mean. */
export const oidcSettings = {
  oidcIssuer: setting.url('OIDC_ISSUER', { optional: true, description: 'AUTH_MODE=oidc: the issuer, as its discovery document names it' }),
  oidcClientId: setting.string('OIDC_CLIENT_ID', { optional: true, description: 'What the provider calls this installation' }),
  oidcClientSecret: setting.string('OIDC_CLIENT_SECRET', {
    optional: true,
    secret: true,
    description: 'Its secret there; without one it is a public client (PKCE alone)',
  }),
  oidcClientSecretFile: setting.file('OIDC_CLIENT_SECRET_FILE', {
    optional: true,
    readFile: (path) => readFileSync(path, 'utf8'),
    description: 'A file that holds it, instead of OIDC_CLIENT_SECRET',
  }),
  oidcScopes: setting.string('OIDC_SCOPES', {
    default: 'openid profile',
    pattern: '^openid( [\\x21-\\x7e]+)*$',
    description: 'Scopes that are asked for; with offline_access many providers give a refresh token, by which sessions are renewed',
  }),
  sessionIdleMs: setting.duration('SESSION_IDLE_SECONDS', {
    default: 12 * 3_600_000,
    minimum: 60_000,
    description: 'A session ends when its browser was not seen for so long; an open page is seen',
  }),
  sessionMaxMs: setting.duration('SESSION_MAX_SECONDS', {
    default: 7 * 24 * 3_600_000,
    minimum: 60_000,
    description: 'A session ends after so long whatever happens',
  }),
  sessionCheckMs: setting.duration('SESSION_CHECK_SECONDS', {
    default: 5 * 60_000,
    minimum: 1_000,
    description:
      "An open page's session is looked at so often: it counts as used, and where the provider's tokens have ended, the provider is asked whether it still stands by it; once a minute at most unless this is less",
  }),
  rolesClaim: setting.string('ROLES_CLAIM', {
    default: 'roles',
    pattern: CLAIM,
    description: 'Claim that holds the roles; a dot goes into an object, as in realm_access.roles',
  }),
  groupsClaim: setting.string('GROUPS_CLAIM', { default: 'groups', pattern: CLAIM, description: 'Claim that holds the groups' }),
  adminRoles: setting.list('ADMIN_ROLES', { default: [], description: 'Roles of the claim that make an admin, comma-separated' }),
  auditorRoles: setting.list('AUDITOR_ROLES', {
    default: [],
    description: 'Roles of the claim that may read everybody’s trail and figures and change nothing of others, comma-separated',
  }),
  userRoles: setting.list('USER_ROLES', {
    default: [],
    description: 'Roles of which a person must have one to be let in, comma-separated; empty: everybody whom the provider knows',
  }),
};

interface Given {
  authMode: string;
  oidcIssuer?: string | undefined;
  oidcClientId?: string | undefined;
  oidcClientSecret?: string | undefined;
  oidcClientSecretFile?: object | undefined;
  publicUrl?: string | undefined;
}

const needsTls = (name: string, url: string | undefined): string[] => {
  if (url === undefined) return [];
  const { protocol, hostname } = new URL(url);
  const safe = protocol === 'https:' || isLoopback(hostname);
  return safe ? [] : [`${name} must start https://: whoever is on the way could sign in as anybody`];
};

const isBare = (name: string, url: string | undefined): string[] =>
  url !== undefined && /[?#]/.test(url) ? [`${name} must have no ? and no #`] : [];

const oidcProblems = ({ authMode, oidcIssuer, oidcClientId, oidcClientSecret, oidcClientSecretFile, publicUrl }: Given): string[] => {
  if (authMode !== 'oidc') {
    return oidcIssuer === undefined ? [] : [`OIDC_ISSUER is set, but AUTH_MODE is ${authMode}: say AUTH_MODE=oidc, or take it away`];
  }
  const needed = { OIDC_ISSUER: oidcIssuer, OIDC_CLIENT_ID: oidcClientId, PUBLIC_URL: publicUrl };
  return [
    ...Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [`AUTH_MODE=oidc needs ${name}`] : [])),
    ...(oidcClientSecret !== undefined && oidcClientSecretFile !== undefined
      ? ['OIDC_CLIENT_SECRET and OIDC_CLIENT_SECRET_FILE exclude each other']
      : []),
    ...needsTls('OIDC_ISSUER', oidcIssuer),
    ...isBare('OIDC_ISSUER', oidcIssuer),
    ...needsTls('PUBLIC_URL', publicUrl),
  ];
};

export const oidcRules = [
  {
    of: ['authMode', 'oidcIssuer', 'oidcClientId', 'oidcClientSecret', 'oidcClientSecretFile', 'publicUrl'],
    problems: (config) => oidcProblems(config as unknown as Given),
  },
] as const satisfies readonly Rule[];
