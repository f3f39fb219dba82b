import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** What a balancer in cookie mode hashes (nginx-ingress/cookie.conf). It names the browser, not a gateway: nobody has to decode it. */
const AFFINITY_COOKIE = 'runnel_affinity';

const hasCookie = new RegExp(`(^|;) *${AFFINITY_COOKIE}=[^;]`);
/** Programs that send no cookies back, files that every browser may share, and the call that promises to set none. */
const WITHOUT = /^\/(v1\/|assets\/|api\/sign-in(\?|$))/;

/** The `Set-Cookie` value for a browser that has none yet; it lasts as long as the browser's session. Pure but for its randomness. */
export const affinityCookie = (cookies: string | undefined, secure: boolean): string | undefined =>
  hasCookie.test(cookies ?? '')
    ? undefined
    : `${AFFINITY_COOKIE}=${randomBytes(12).toString('base64url')}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

/** Gives every browser its affinity cookie with the first answer, over HTTP and with the upgrade to a WebSocket alike. */
export const registerAffinity = (app: FastifyInstance, trustProxy: boolean): void => {
  app.addHook('onRequest', async (request, reply) => {
    if (WITHOUT.test(request.url)) return;
    const cookie = affinityCookie(request.headers.cookie, request.protocol === 'https');
    if (cookie !== undefined) reply.header('set-cookie', cookie);
  });
  app.websocketServer.on('headers', (headers: string[], { headers: asked }: IncomingMessage) => {
    const cookie = affinityCookie(asked.cookie, trustProxy && asked['x-forwarded-proto'] === 'https');
    if (cookie !== undefined) headers.push(`Set-Cookie: ${cookie}`);
  });
};
