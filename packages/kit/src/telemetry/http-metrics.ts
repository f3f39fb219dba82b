import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';

/** Above these a request is not answered but streamed, or stuck. */
const SECONDS = [0.01, 0.05, 0.25, 1, 5];
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** What ended before its answer: nginx's word for a client that left. */
const ABORTED = '499';

interface HttpRequestSeen {
  /** As it was declared (`/api/history/:id`), or `none`: no address, and nothing a caller made up. */
  route: string;
  method: string;
  code: string;
  ms: number;
}

/** Told of each request that ended; `of` is Fastify's request. */
export type RequestSeen = (request: HttpRequestSeen, of: object) => void;

/**
 * Counts requests by route, method and status, and tells `seen` of each one. Streams count when they end, and their length is in no
 * histogram. Upgrades count only when they are refused: sockets have figures of their own.
 */
export const observeHttp = (app: FastifyInstance, metrics: Metrics, seen?: RequestSeen): void => {
  const requests = metrics.counter('runnel_http_requests_total', 'HTTP requests that ended, by the route as it is declared', [
    'route',
    'method',
    'code',
  ]);
  const seconds = metrics.histogram(
    'runnel_http_request_seconds',
    'HTTP requests that were no streams, from their head to their end',
    SECONDS,
    ['route'],
  );
  app.addHook('onRequest', (request, reply, done) => {
    const begun = performance.now();
    const { raw } = reply;
    const upgrade = request.headers.upgrade !== undefined;
    const route = request.routeOptions.url ?? 'none';
    const method = METHODS.has(request.method) ? request.method : 'other';
    const end = (): void => {
      const code = raw.writableFinished || raw.writableEnded ? String(raw.statusCode) : ABORTED;
      const ms = performance.now() - begun;
      requests.inc({ route, method, code });
      const streamed = String(raw.getHeader('content-type') ?? '').startsWith('text/event-stream');
      if (!streamed && code !== ABORTED) seconds.observe({ route }, ms / 1000);
      seen?.({ route, method, code, ms }, request);
    };
    raw.once(upgrade ? 'finish' : 'close', end);
    done();
  });
};
