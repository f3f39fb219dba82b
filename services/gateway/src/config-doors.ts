import { setting, type Rule } from '@runnel/kit';
import { isLoopback } from './auth/loopback.ts';
import { isGuessable } from './auth/token-rules.ts';
import { prefixProblems } from './http/plumbing/prefix.ts';

/** Who is let in, and where they knock. */
export const doorSettings = {
  host: setting.string('HOST', {
    optional: true,
    defaultText: '`0.0.0.0`; `127.0.0.1` where AUTH_MODE=dev and DEV_MODE_OPEN is not set',
    description: 'Address to listen on',
  }),
  authMode: setting.oneOf('AUTH_MODE', ['dev', 'jwt', 'oidc'], {
    description:
      'dev: callers say who they are, for one machine alone; jwt: a token proves it; oidc: people sign in with an identity provider, and tokens of it count, too',
  }),
  devModeOpen: setting.boolean('DEV_MODE_OPEN', {
    default: false,
    description: 'yes: AUTH_MODE=dev may listen on other addresses than loopback, where whoever reaches it is whom they say',
  }),
  jwtSecret: setting.string('JWT_SECRET', {
    optional: true,
    secret: true,
    minLength: 32,
    description: 'Shared secret of HS256, HS384 or HS512 tokens',
  }),
  jwtSecretPrevious: setting.string('JWT_SECRET_PREVIOUS', {
    optional: true,
    secret: true,
    minLength: 32,
    description: 'The secret before JWT_SECRET: its tokens are good beside the new ones until it is taken away',
  }),
  jwksUrl: setting.url('JWKS_URL', { optional: true, description: 'Where the public keys of asymmetric tokens are' }),
  jwtIssuer: setting.string('JWT_ISSUER', { optional: true, description: 'The `iss` a token must have' }),
  jwtAudience: setting.string('JWT_AUDIENCE', { optional: true, description: 'The `aud` a token must have' }),
  sessionCookie: setting.string('SESSION_COOKIE', {
    default: '__Host-runnel_session',
    pattern: '^[A-Za-z0-9_.-]{1,64}$',
    description: 'Cookie that carries the token (jwt) or the guest (dev); a `__Host-` is left out where there is no TLS',
  }),
  jwtMaxAgeMs: setting.duration('JWT_MAX_AGE_SECONDS', {
    default: 24 * 3_600_000,
    minimum: 1000,
    description: 'How long a token may be valid from its `iat` (without one, from now) to its `exp`; others are refused',
  }),
  adminScope: setting.string('ADMIN_SCOPE', {
    default: 'admin',
    pattern: '^[!#-\\[\\]-~]{1,128}$',
    description: 'Scope of tokens that makes an admin; a name that no other application of the issuer has, such as `runnel:admin`',
  }),
  maxKeysPerUser: setting.integer('MAX_API_KEYS_PER_USER', {
    default: 20,
    minimum: 0,
    maximum: 100,
    description: 'API keys that a person may have at a time; 0: nobody makes any, and those that are there go on',
  }),
  publicUrl: setting.url('PUBLIC_URL', {
    optional: true,
    description:
      'The address of the page as people see it. Needed where it has a path, as in https://example.org/tools/chat, which a proxy in front may take away or leave; and with AUTH_MODE=oidc, whose provider knows <PUBLIC_URL>/api/sign-in/callback',
  }),
  publicHosts: setting.list('PUBLIC_HOSTS', {
    default: [],
    description:
      'Names in the Host header besides those of this machine, comma-separated; all others get 421. Empty: any; in dev mode on loopback `npm start` takes none',
  }),
};

export type AuthMode = 'dev' | 'jwt' | 'oidc';

interface Listening {
  authMode: AuthMode;
  devModeOpen: boolean;
  host?: string | undefined;
}
interface Keys {
  authMode: AuthMode;
  jwtSecret?: string | undefined;
  jwtSecretPrevious?: string | undefined;
  jwksUrl?: string | undefined;
  jwtIssuer?: string | undefined;
  jwtAudience?: string | undefined;
}

/** Where a gateway listens: where nobody proves who they are, on this machine alone unless somebody wrote that down. Pure. */
export const listenHost = ({ authMode, devModeOpen, host }: Listening): string =>
  host ?? (authMode === 'dev' && !devModeOpen ? '127.0.0.1' : '0.0.0.0');

const listenProblems = (config: Listening): string[] =>
  config.authMode === 'dev' && !config.devModeOpen && !isLoopback(listenHost(config))
    ? [`HOST ${config.host}: AUTH_MODE=dev lets everybody be anybody, so it listens on 127.0.0.1 only unless DEV_MODE_OPEN=yes`]
    : [];

/** Keys of an identity provider that serves others, too: a token for another application must not open this one. */
const providerProblems = (jwksUrl: string, { jwtIssuer, jwtAudience }: Keys): string[] => {
  const { protocol, hostname } = new URL(jwksUrl);
  return [
    ...(jwtIssuer === undefined
      ? ['JWT_ISSUER is not set: with JWKS_URL it must be, or tokens of any issuer with those keys are let in']
      : []),
    ...(jwtAudience === undefined
      ? ['JWT_AUDIENCE is not set: with JWKS_URL it must be, or tokens for other applications of the issuer are let in']
      : []),
    ...(protocol === 'https:' || isLoopback(hostname) ? [] : ['JWKS_URL must start https://: whoever is on the way could give other keys']),
  ];
};

/** Also keys beside dev mode: somebody believes that tokens are checked. */
const keyProblems = (keys: Keys): string[] => {
  const { authMode, jwtSecret, jwtSecretPrevious, jwksUrl } = keys;
  if (authMode === 'jwt') {
    if (jwtSecretPrevious !== undefined && jwtSecret === undefined) return ['JWT_SECRET_PREVIOUS needs JWT_SECRET, the one after it'];
    const guessable = Object.entries({ JWT_SECRET: jwtSecret, JWT_SECRET_PREVIOUS: jwtSecretPrevious }).find(
      ([, secret]) => secret !== undefined && isGuessable(secret),
    );
    if (guessable !== undefined)
      return [
        `${guessable[0]} is no secret: too few different characters, or a short pattern repeated (a random one: openssl rand -hex 32)`,
      ];
    return jwksUrl === undefined ? [] : providerProblems(jwksUrl, keys);
  }
  const given = [
    jwtSecret !== undefined && 'JWT_SECRET',
    jwtSecretPrevious !== undefined && 'JWT_SECRET_PREVIOUS',
    jwksUrl !== undefined && 'JWKS_URL',
  ].filter((name) => name !== false);
  if (authMode === 'oidc') return given.map((name) => `AUTH_MODE=oidc takes its keys from OIDC_ISSUER, but ${name} is set: take it away`);
  return given.map((name) => `AUTH_MODE=dev checks no token, but ${name} is set: say AUTH_MODE=jwt, or take it away`);
};

export const authRules = [
  { of: ['publicUrl'], problems: prefixProblems },
  { of: ['authMode', 'devModeOpen', 'host'], problems: (config) => listenProblems(config as unknown as Listening) },
  {
    of: ['authMode', 'jwtSecret', 'jwtSecretPrevious', 'jwksUrl', 'jwtIssuer', 'jwtAudience'],
    problems: (config) => keyProblems(config as unknown as Keys),
  },
] as const satisfies readonly Rule[];
