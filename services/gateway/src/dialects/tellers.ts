import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { onClose } from '@runnel/kit';
import type { Drainable } from '../connections/drain.ts';
import { TokenExpiry } from '../connections/token-expiry.ts';
import type { GatewayContext } from '../context.ts';
import { lifeOf } from '../http/plumbing/caller.ts';
import { keepAlive, startEventStream } from '../http/plumbing/event-stream.ts';
import { AnswerFeed, sseOutlet, type Encoder, type FeedPlace } from './answer-feed.ts';
import type { Dialect, DialectMetrics } from './metrics.ts';
import type { OpenPlaces } from './places.ts';

/** What a dialect's routes are built from. */
export interface DialectContext extends GatewayContext {
  places: OpenPlaces;
  dialects: DialectMetrics;
}

/** The answers that one dialect is telling over event streams on this node. */
export class Tellers {
  readonly #context: DialectContext;
  readonly #dialect: Dialect;
  readonly #feeds = new Set<Drainable>();

  constructor(scope: FastifyInstance, context: DialectContext, dialect: Dialect) {
    this.#context = context;
    this.#dialect = dialect;
    scope.addHook('preClose', async () => {
      for (const feed of this.#feeds) feed.close();
    });
  }

  list(): readonly Drainable[] {
    return [...this.#feeds];
  }

  /** Takes a place for an answer that stays open. Throws `overloaded`, `rate-limited`. */
  enter(request: FastifyRequest, reply: FastifyReply, userId: string): Promise<void> {
    return this.#context.places.take(request, reply, userId, this.#dialect);
  }

  /** Tells a run's answer to its end. The run goes on when the reader leaves; so does the reader elsewhere when its token or this node ends. */
  async tell<S>(
    request: FastifyRequest,
    reply: FastifyReply,
    place: FeedPlace,
    encoder: Encoder<S>,
    { startedAt, last }: { startedAt?: number | undefined; last?: string } = {},
  ): Promise<void> {
    const { auth, config, hub } = this.#context;
    const life = await lifeOf(auth, request, reply);
    if (reply.raw.destroyed) return;
    reply.headers({ 'x-runnel-conversation': place.conversationId, 'x-runnel-run': place.runId });
    const raw = startEventStream(reply);
    keepAlive(raw, config.heartbeatMs);
    const feed = new AnswerFeed<S>(hub, place, encoder, sseOutlet(raw, last));
    const leave = (): void => feed.close();
    const token = new TokenExpiry(() => undefined, leave);
    token.start(life);
    onClose(raw, leave);
    this.#feeds.add(feed);
    try {
      await feed.run(startedAt);
    } finally {
      this.#feeds.delete(feed);
      token.stop();
    }
  }
}
