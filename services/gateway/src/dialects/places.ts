import type { FastifyReply, FastifyRequest } from 'fastify';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../context.ts';
import { SocketLimits } from '../connections/socket-limits.ts';
import type { Dialect, DialectMetrics } from './metrics.ts';

const RETRY_AFTER_MS = 2_000;

/** What answers that stay open take: a place of the node, of the address and of the person, until they close. */
export class OpenPlaces {
  readonly #limits: SocketLimits;
  readonly #context: Pick<GatewayContext, 'budgets' | 'draining'>;
  readonly #metrics: DialectMetrics;

  constructor(context: Pick<GatewayContext, 'budgets' | 'draining' | 'config'>, metrics: DialectMetrics) {
    this.#limits = new SocketLimits(context.config.maxSockets, context.config.maxSocketsPerIp);
    this.#context = context;
    this.#metrics = metrics;
  }

  /** Throws `overloaded` or `rate-limited`; the place is given back when the answer closes. */
  async take(request: FastifyRequest, reply: FastifyReply, userId: string, dialect: Dialect): Promise<void> {
    const { ip } = request;
    const { budgets, draining } = this.#context;
    if (draining.aborted || !this.#limits.enter(ip)) throw new RunnelError('overloaded', undefined, { retryAfterMs: RETRY_AFTER_MS });
    if (!(await budgets.sockets.take(userId))) {
      this.#limits.leave(ip);
      throw budgets.refusals.of('sockets', { retryAfterMs: RETRY_AFTER_MS });
    }
    this.#metrics.open.inc({ dialect });
    const leave = (): void => {
      this.#limits.leave(ip);
      budgets.sockets.release(userId);
      this.#metrics.open.dec({ dialect });
    };
    // Left while it was being counted: nothing would tell when it goes.
    if (reply.raw.destroyed || reply.raw.writableEnded) leave();
    else reply.raw.once('close', leave);
  }
}
