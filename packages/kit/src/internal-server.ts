import { fastify, type FastifyInstance } from 'fastify';
import type { Health } from './health.ts';
import { inProcessOnly, type InnerDoor } from './inner/door.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { OPENMETRICS_TYPE, wantsOpenMetrics } from './openmetrics.ts';
import { delay } from './wait.ts';

export interface InternalServerOptions {
  metrics: Metrics;
  health: Health;
  log: Logger;
  /** Serves `POST /drain`, which answers when the drain is done. Many calls make one drain. */
  onDrain?: () => Promise<void>;
  /** Ends the process after a drain over HTTP: it would never be ready again, and nothing would start another. */
  onDrained?: () => void;
  /** Who may drain. Absent: nobody over the network. Probes and metrics are for everybody who reaches the port. */
  door?: InnerDoor;
  /** More routes for operators. */
  routes?: (app: FastifyInstance) => void;
}

/** The answer is on its way by then. */
const LAST_ANSWER_MS = 100;

/**
 * The second, internal port: `GET /livez`, `GET /readyz` (JSON per dependency; 503 when not ready; `?scope=process` leaves
 * dependencies out), `GET /metrics` (OpenMetrics with exemplars for who asks for it).
 */
export function createInternalServer({ metrics, health, log, onDrain, onDrained, door, routes }: InternalServerOptions): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true });
  const ready = metrics.gauge('runnel_ready', '1 while this process takes part; 0 while it starts, drains or has failed');
  metrics.sampled(ready, () => (health.open().ok ? 1 : 0));

  app.get('/livez', (_request, reply) => {
    const liveness = health.live();
    return reply.code(liveness.ok ? 200 : 503).send(liveness);
  });
  app.get<{ Querystring: { scope?: string } }>('/readyz', async (request, reply) => {
    // A store that all pods share must not take them all out of the balancer at once (docs/decisions/0004-readiness.md).
    const readiness = request.query.scope === 'process' ? health.open() : await health.ready();
    return reply.code(readiness.ok ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (request, reply) =>
    wantsOpenMetrics(request.headers.accept)
      ? reply.type(OPENMETRICS_TYPE).send(await metrics.openMetrics())
      : reply.type(metrics.registry.contentType).send(await metrics.text()),
  );

  if (onDrain !== undefined) {
    let draining: Promise<void> | undefined;
    const drainAndEnd = async (): Promise<void> => {
      await onDrain();
      void delay(LAST_ANSWER_MS).then(onDrained);
    };
    app.post('/drain', { onRequest: door ?? inProcessOnly }, async (_request, reply) => {
      draining ??= drainAndEnd();
      await draining;
      return reply.send({ drained: true });
    });
  }
  app.setErrorHandler((error, _request, reply) => {
    log.error({ event: 'internal.failed', err: error });
    return reply.code(500).send({ ok: false });
  });
  routes?.(app);
  return app;
}
