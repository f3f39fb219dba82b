import { commonSettings, defineConfig, setting, type ConfigOf } from '@runnel/kit';
import { DEFAULT_LIMITS } from '@runnel/protocol';

export const configSpec = defineConfig({
  ...commonSettings,
  port: setting.integer('PORT', { default: 8080, minimum: 0, maximum: 65_535, description: 'Port of the public API; 0 picks a free one.' }),
  internalPort: setting.integer('INTERNAL_PORT', {
    default: 9080,
    minimum: 0,
    maximum: 65_535,
    description: 'Port of health and metrics; 0 picks a free one.',
  }),
  aiServiceUrls: setting.list('AI_SERVICE_URLS', { default: [], description: 'Base URLs of the AI pods, comma-separated.' }),
  aiServiceName: setting.string('AI_SERVICE_NAME', { default: '', description: 'Kubernetes Service whose EndpointSlices name the AI pods.' }),
  dispatch: setting.string('DISPATCH', {
    default: 'round-robin',
    enum: ['round-robin', 'least-inflight'],
    description: 'How a run picks its AI pod.',
  }),
  auditUrl: setting.string('AUDIT_URL', { default: '', description: 'Base URL of the audit service; empty: no history beyond the store.' }),
  authMode: setting.string('AUTH_MODE', { default: 'dev', enum: ['dev', 'jwt'], description: 'dev: anyone may be anyone. jwt: tokens.' }),
  jwtSecret: setting.string('JWT_SECRET', { default: '', secret: true, description: 'Shared secret of HS256/384/512 tokens.' }),
  jwksUrl: setting.string('JWKS_URL', { default: '', description: 'Keys of asymmetric tokens.' }),
  jwtIssuer: setting.string('JWT_ISSUER', { default: '', description: 'Required `iss`, when set.' }),
  jwtAudience: setting.string('JWT_AUDIENCE', { default: '', description: 'Required `aud`, when set.' }),
  sessionCookie: setting.string('SESSION_COOKIE', { default: 'runnel_session', description: 'Cookie that carries the token (jwt) or the guest (dev).' }),
  rateLimitPerMinute: setting.integer('RATE_LIMIT_PER_MINUTE', { default: 100, minimum: 1, description: 'Prompts per user and minute, over all nodes.' }),
  maxTextChars: setting.integer('MAX_TEXT_CHARS', { default: DEFAULT_LIMITS.textChars, minimum: 1, description: 'Longest prompt, in characters.' }),
  corsOrigins: setting.list('CORS_ORIGINS', { default: [], description: 'Origins of other sites that may call, comma-separated.' }),
  maxSockets: setting.integer('MAX_SOCKETS', { default: 20_000, minimum: 1, description: 'WebSockets and SSE answers of this node at most.' }),
  maxSocketsPerIp: setting.integer('MAX_SOCKETS_PER_IP', { default: 1_000, minimum: 1, description: 'The same per client address.' }),
  trustProxy: setting.boolean('TRUST_PROXY', { default: false, description: 'Take the client address from X-Forwarded-For.' }),
  webDir: setting.string('WEB_DIR', { default: '', description: 'Folder of the built web page to serve; empty: none.' }),
  heartbeatMs: setting.integer('HEARTBEAT_MS', { default: 20_000, minimum: 100, description: 'Interval of WebSocket pings.' }),
  drainSeconds: setting.integer('DRAIN_SECONDS', { default: 10, minimum: 0, description: 'Window in which sockets are sent elsewhere on SIGTERM.' }),
});

export type GatewayConfig = ConfigOf<typeof configSpec>;
