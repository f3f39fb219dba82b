import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hostGuard, type OwnHosts } from '../../auth/host-guard.ts';
import { originGuard } from '../../auth/origin.ts';
import { sendProblem } from './problem.ts';

const policy = (directives: Record<string, string>): string =>
  Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');

/**
 * For the page: everything from this host and nothing from elsewhere. Model output is untrusted: an image or a form in it
 * must not be able to carry a conversation away. `'self'` covers WebSockets of this host (CSP 3; Safari since 15.4).
 */
const PAGE_POLICY = policy({
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'self'",
  'manifest-src': "'self'",
  'worker-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
});

/** For answers of the API: nothing of them is ever a document. */
const API_POLICY = policy({ 'default-src': "'none'", 'frame-ancestors': "'none'" });

/** For `/api/docs` alone: Swagger UI sets inline styles (not scripts) and has data: images. */
const DOCS_POLICY = policy({
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
});

const HEADERS: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
};

/** A browser that was here over TLS comes back over TLS, whatever a link or a network says. */
const HSTS = 'max-age=31536000';

/** Headers a page of another origin may read. */
const EXPOSED = [
  'x-runnel-conversation',
  'x-runnel-run',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-request-id',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-workflow-run-id',
  'x-workflow-stream-tail-index',
  'stream-next-offset',
  'stream-up-to-date',
  'stream-cursor',
  'etag',
  'location',
  'upload-offset',
  'upload-length',
  'upload-expires',
  'upload-metadata',
  'tus-resumable',
  'tus-version',
  'tus-extension',
  'tus-max-size',
  'tus-checksum-algorithm',
];

const policyFor = (path: string): string => {
  if (path === '/api/docs' || path.startsWith('/api/docs/')) return DOCS_POLICY;
  if (path.startsWith('/api/') || path.startsWith('/v1/')) return API_POLICY;
  return PAGE_POLICY;
};

/** Headers of every answer, by its path. */
export const securityHeaders = (path: string): Record<string, string> => {
  const contentPolicy = policyFor(path);
  // What the API answers is somebody's own; routes that know better say so.
  return { ...HEADERS, 'content-security-policy': contentPolicy, ...(contentPolicy === API_POLICY && { 'cache-control': 'no-store' }) };
};

/** The server's `frameworkErrors`: a target that cannot be read meets no hook, and its answer is never a document. */
export const sendUnreadable = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void =>
  sendProblem(thrown, request, reply.headers(securityHeaders('/api/')));

export interface SecurityOptions {
  corsOrigins: readonly string[];
  hosts: OwnHosts;
}

/** Headers on every answer, the guard of the Host, CORS for `CORS_ORIGINS` (with credentials), and the cross-site guard. */
export const registerSecurity = async (app: FastifyInstance, { corsOrigins, hosts }: SecurityOptions): Promise<void> => {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(request.url.split('?', 1)[0]!));
  });
  app.addHook('onRequest', hostGuard(hosts));
  // After the guard: how a name that is not ours is reached is not ours to say.
  app.addHook('onRequest', async (request, reply) => {
    if (request.protocol === 'https') reply.header('strict-transport-security', HSTS);
  });
  const anyOrigin = corsOrigins.includes('*');
  await app.register(cors, {
    origin: anyOrigin ? '*' : [...corsOrigins],
    credentials: !anyOrigin,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: EXPOSED,
    maxAge: 600,
    strictPreflight: false,
  });
  // Half a kilobyte that only pages of another origin need, whose browsers name it.
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.origin !== undefined) return;
    reply.removeHeader('access-control-expose-headers');
    reply.removeHeader('access-control-allow-credentials');
  });
  app.addHook('onRequest', originGuard(corsOrigins));
};
