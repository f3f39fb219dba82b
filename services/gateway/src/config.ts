import { commonSettings, defineConfig, portSettings, setting, type LoadedConfig } from '@runnel/kit';
import { DEFAULT_LIMITS } from '@runnel/protocol';
import { authRules } from './config-doors.ts';
import { parseSignInUrl } from './sign-in-url.ts';

export const configSpec = defineConfig(
  {
    ...commonSettings,
    ...portSettings(8080, 9080),
    aiServiceUrls: setting.urls('AI_SERVICE_URLS', {
      default: [],
      description: 'Base URLs of the AI pods, comma-separated; without any, runs wait until a pod sweeps them',
    }),
    aiServiceName: setting.string('AI_SERVICE_NAME', {
      optional: true,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      description:
        'Instead of addresses: the Kubernetes Service whose ready pods are asked one by one; without a service account, a name that DNS knows (port 8081)',
    }),
    kubernetesHost: setting.string('KUBERNETES_SERVICE_HOST', { optional: true, description: 'Set by Kubernetes: host of its API' }),
    kubernetesPort: setting.integer('KUBERNETES_SERVICE_PORT_HTTPS', { default: 443, description: 'Set by Kubernetes: port of its API' }),
    dispatch: setting.oneOf('DISPATCH', ['round-robin', 'least-inflight'], {
      default: 'round-robin',
      description: 'How a run picks its AI pod',
    }),
    auditUrl: setting.url('AUDIT_URL', {
      optional: true,
      description: 'Base URL of the audit service; without it there is no history beyond the store',
    }),
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
    signInUrl: {
      ...setting.string('SIGN_IN_URL', {
        optional: true,
        description: 'Where the page sends a person to sign in: a URL or a path; `{return}` in it becomes the address of the page, encoded',
      }),
      parse: parseSignInUrl,
    },
    adminUsers: setting.list('ADMIN_USERS', {
      default: [],
      description: 'User ids with the `admin` scope, besides those whose token has it; comma-separated',
    }),
    rateLimitPerMinute: setting.integer('RATE_LIMIT_PER_MINUTE', {
      default: 100,
      minimum: 1,
      description: 'Prompts per user and minute, over all nodes',
    }),
    maxTextChars: setting.integer('MAX_TEXT_CHARS', {
      default: DEFAULT_LIMITS.textChars,
      minimum: 1,
      description: 'Characters of a prompt at most',
    }),
    corsOrigins: setting.list('CORS_ORIGINS', { default: [], description: 'Origins of other sites whose pages may call, comma-separated' }),
    maxSockets: setting.integer('MAX_SOCKETS', { default: 20_000, minimum: 1, description: 'WebSockets of this node at most' }),
    maxSocketsPerIp: setting.integer('MAX_SOCKETS_PER_IP', {
      default: 10_000,
      minimum: 1,
      description: 'WebSockets of one client address on this node at most',
    }),
    trustProxy: setting.boolean('TRUST_PROXY', { default: false, description: 'Take the client address from X-Forwarded-For' }),
    webDir: setting.string('WEB_DIR', { optional: true, description: 'Folder of the built web page to serve' }),
    heartbeatMs: setting.integer('HEARTBEAT_MS', {
      default: 20_000,
      minimum: 50,
      description: 'Interval of WebSocket pings; two missed close the socket',
    }),
    drainMs: setting.duration('DRAIN_SECONDS', {
      default: 10_000,
      description: 'Window in which connections are sent elsewhere before the process ends',
    }),
  },
  authRules,
);

export type GatewayConfig = LoadedConfig<typeof configSpec>;
