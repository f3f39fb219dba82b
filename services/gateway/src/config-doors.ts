import { setting, type Rule } from '@runnel/kit';

/** Who is let in, and where they knock. */
export const doorSettings = {
  host: setting.string('HOST', {
    optional: true,
    defaultText: '`0.0.0.0`; `127.0.0.1` where AUTH_MODE=dev and DEV_MODE_OPEN is not set',
    description: 'Address to listen on',
  }),
  authMode: setting.oneOf('AUTH_MODE', ['dev', 'jwt'], {
    description: 'dev: callers say who they are, for one machine alone; jwt: a token proves it',
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
  jwksUrl: setting.url('JWKS_URL', { optional: true, description: 'Where the public keys of asymmetric tokens are' }),
  jwtIssuer: setting.string('JWT_ISSUER', { optional: true, description: 'The `iss` a token must have' }),
  jwtAudience: setting.string('JWT_AUDIENCE', { optional: true, description: 'The `aud` a token must have' }),
  sessionCookie: setting.string('SESSION_COOKIE', {
    default: 'runnel_session',
    pattern: '^[A-Za-z0-9_.-]{1,64}$',
    description: 'Cookie that carries the token (jwt) or the guest (dev)',
  }),
};

interface Listening {
  authMode: 'dev' | 'jwt';
  devModeOpen: boolean;
  host?: string | undefined;
}
interface Keys {
  authMode: 'dev' | 'jwt';
  jwtSecret?: string | undefined;
  jwksUrl?: string | undefined;
}

/** 127.0.0.0/8, ::1 (also as an IPv4-mapped address) and the name that means them. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|(0*:)+0*1|::ffff:127(\.\d{1,3}){3})$/i.test(host.replace(/^\[|\]$/g, ''));

/** Where a gateway listens: where nobody proves who they are, on this machine alone unless somebody wrote that down. Pure. */
export const listenHost = ({ authMode, devModeOpen, host }: Listening): string =>
  host ?? (authMode === 'dev' && !devModeOpen ? '127.0.0.1' : '0.0.0.0');

export const listenProblems = (config: Listening): string[] =>
  config.authMode === 'dev' && !config.devModeOpen && !isLoopback(listenHost(config))
    ? [`HOST ${config.host}: AUTH_MODE=dev lets everybody be anybody, so it listens on 127.0.0.1 only unless DEV_MODE_OPEN=yes`]
    : [];

/** Keys beside dev mode: somebody believes that tokens are checked. */
export const keyProblems = ({ authMode, jwtSecret, jwksUrl }: Keys): string[] => {
  if (authMode !== 'dev') return [];
  const given = [jwtSecret !== undefined && 'JWT_SECRET', jwksUrl !== undefined && 'JWKS_URL'].filter((name) => name !== false);
  return given.map((name) => `AUTH_MODE=dev checks no token, but ${name} is set: say AUTH_MODE=jwt, or take it away`);
};

export const authRules = [
  { of: ['authMode', 'devModeOpen', 'host'], problems: (config) => listenProblems(config as unknown as Listening) },
  { of: ['authMode', 'jwtSecret', 'jwksUrl'], problems: (config) => keyProblems(config as unknown as Keys) },
] as const satisfies readonly Rule[];
