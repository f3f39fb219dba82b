import type { FastifyReply, FastifyRequest } from 'fastify';
import { onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { GatewayContext } from '../context.ts';
import { SocketLimits } from '../connections/socket-limits.ts';
import type { Dialect, DialectMetrics } from './metrics.ts';

const RETRY_AFTER_MS = 2_000;

/** A place that was taken. */
export interface Place {
  /** Counts it for a person, once it is known who that is. Throws `rate-limited`. */
  person(userId: string): Promise<void>;
  /** Gives all of it back; idempotent. */
  leave(): void;
}

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

  /** Throws `overloaded`. */
  enter(ip: string, dialect: Dialect): Place {
    const { budgets, draining } = this.#context;
    if (draining.aborted || !this.#limits.enter(ip)) throw new RunnelError('overloaded', undefined, { retryAfterMs: RETRY_AFTER_MS });
    this.#metrics.open.inc({ dialect });
    let left = false;
    let held: string | null = null;
    return {
      async person(userId) {
        if (!(await budgets.sockets.take(userId))) throw budgets.refusals.of('sockets', { retryAfterMs: RETRY_AFTER_MS });
        // Left while it was being counted.
        if (left) budgets.sockets.release(userId);
        else held = userId;
      },
      leave: () => {
        if (left) return;
        left = true;
        this.#limits.leave(ip);
        if (held !== null) budgets.sockets.release(held);
        this.#metrics.open.dec({ dialect });
      },
    };
  }

  /** Throws `overloaded` or `rate-limited`; the place is given back when the answer closes. */
  async take(request: FastifyRequest, reply: FastifyReply, userId: string, dialect: Dialect): Promise<void> {
    const place = this.enter(request.ip, dialect);
    onClose(reply.raw, place.leave);
    try {
      await place.person(userId);
    } catch (error) {
      place.leave();
      throw error;
    }
  }
}
