import { commonSettings, defineConfig, portSettings, setting, type LoadedConfig } from '@runnel/kit';
import { DEFAULT_LIMITS } from '@runnel/protocol';
import { authRules, doorSettings } from './config-doors.ts';
import { oidcRules, oidcSettings } from './config-oidc.ts';
import { budgetSettings } from './budgets/settings.ts';
import { fileRules, fileSettings } from './http/files/settings.ts';
import { parseSignInUrl } from './auth/sign-in-url.ts';
import { checkTrustProxy } from './auth/trust-proxy.ts';

const settings = {
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
  dispatch: setting.oneOf('DISPATCH', ['round-robin', 'least-inflight', 'service'], {
    default: 'round-robin',
    description: 'How a run picks its AI pod; `service`: the address chooses (a mesh), and pods are not asked one by one',
  }),
  modelsFile: setting.string('MODELS_FILE', {
    optional: true,
    description:
      'What the AI pods read their models from, where this node has it too: it asks them at once when it changes; else every 15 s',
  }),
  auditUrl: setting.url('AUDIT_URL', {
    optional: true,
    description: 'Base URL of the audit service; without it there is no history beyond the store',
  }),
  ...doorSettings,
  ...oidcSettings,
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
  ...budgetSettings,
  ...fileSettings,
  maxTextChars: setting.integer('MAX_TEXT_CHARS', {
    default: DEFAULT_LIMITS.textChars,
    minimum: 1,
    description: 'Characters of a prompt at most',
  }),
  idempotencyGraceMs: setting.duration('IDEMPOTENCY_GRACE', {
    default: 10_000,
    description: 'How long an API’s answer goes on without its caller who named it by an Idempotency-Key, and may come back for it',
  }),
  corsOrigins: setting.list('CORS_ORIGINS', { default: [], description: 'Origins of other sites whose pages may call, comma-separated' }),
  maxSockets: setting.integer('MAX_SOCKETS', { default: 20_000, minimum: 1, description: 'WebSockets of this node at most' }),
  maxSocketsPerIp: setting.integer('MAX_SOCKETS_PER_IP', {
    default: 10_000,
    minimum: 1,
    description: 'WebSockets of one client address on this node at most',
  }),
  maxUnsentBytes: setting.integer('MAX_UNSENT_BYTES', {
    default: 48 * 1024 * 1024,
    minimum: 0,
    description: 'Bytes that this node holds for all readers that are behind; beyond, the largest are closed (4002) first; 0: no bound',
  }),
  trustProxy: {
    ...setting.string('TRUST_PROXY', {
      default: 'false',
      description:
        'Proxies in front whose X-Forwarded-For counts: how many (true is 1), or their networks, comma-separated; the client’s address is the one left of theirs',
    }),
    parse: checkTrustProxy,
  },
  accessLog: setting.boolean('ACCESS_LOG', {
    default: false,
    description: 'yes: a line for each HTTP request and command, with ids, outcome and time; never addresses, texts or tokens',
  }),
  deviceCopies: setting.boolean('DEVICE_COPIES', {
    default: true,
    description: 'no: pages keep no conversations on a device for the time without a network, and erase what they have kept',
  }),
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
};

export const configSpec = defineConfig(settings, [...authRules, ...oidcRules, ...fileRules]);

export type GatewayConfig = LoadedConfig<typeof configSpec>;
