import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { Drainable } from '../../connections/drain.ts';
import { lifeOf } from '../../http/plumbing/caller.ts';
import { notFound, sendProblem, statusError } from '../../http/plumbing/problem.ts';
import { Id, PROBLEMS, UserQuery, json } from '../../http/plumbing/schemas.ts';
import { keepAlive, startEventStream } from '../../http/plumbing/event-stream.ts';
import { dialectCaller } from '../door.ts';
import { countAnswers } from '../metrics.ts';
import type { DialectContext } from '../tellers.ts';
import { arrayOf, etagOf, streamCursor, type Batch } from './encode.ts';
import { Feed } from './feed.ts';
import { pollItems } from './long-poll.ts';
import { formatOffset, parseOffset, type Wanted } from './offset.ts';
import { readBatch, type Reading } from './read.ts';

/** Below what proxies allow a silent answer. */
const POLL = { waitMs: 25_000, gatherMs: 100 };
const FEED_MS = 60_000;
const tags = ['Durable Streams'];

const Query = Type.Object({
  ...UserQuery,
  offset: Type.Optional(Type.String({ description: '`-1` the beginning (default), `now` the tail, else a `Stream-Next-Offset`' })),
  live: Type.Optional(Type.Enum(['long-poll', 'sse'])),
  cursor: Type.Optional(Type.String({ description: 'The `Stream-Cursor` of the answer before' })),
});
/** Sent as bytes: the events are not read on their way. */
const Items = Type.Unsafe<Buffer>({ type: 'array', items: { type: 'object' } });
const Params = Type.Object({ conversation: Id });

const headersOf = (batch: Batch, conversationId: string): Record<string, string> => ({
  'stream-next-offset': formatOffset(batch.next),
  'stream-up-to-date': 'true',
  'x-runnel-conversation': conversationId,
});

const wantedOf = (offset: string | undefined): Wanted => {
  const wanted = parseOffset(offset);
  if (wanted === null) throw new RunnelError('bad-frame', 'offset: neither -1 nor now nor a Stream-Next-Offset.');
  return wanted;
};

/** Aborts when the answer closes, or the node goes away. */
const leaving = (reply: FastifyReply, draining: AbortSignal): AbortSignal => {
  const left = new AbortController();
  onClose(reply.raw, () => left.abort());
  return AbortSignal.any([left.signal, draining]);
};

/** The read side of Durable Streams on `/api/streams`. Resolves what a drain sends elsewhere. */
export const streamRoutes = (instance: FastifyInstance, context: DialectContext): { list(): readonly Drainable[] } => {
  const { auth, budgets, config, draining, hub, runLog, places } = context;
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const feeds = new Set<Feed>();
  countAnswers(instance, context.dialects, 'durable-streams');
  // Before a body is looked at: whatever somebody wants to write, this side only reads.
  instance.addHook('onRequest', async (request, reply) => {
    if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return;
    reply.headers({ allow: 'GET, HEAD', connection: 'close' });
    throw statusError(405);
  });
  instance.addHook('preClose', async () => {
    for (const feed of feeds) feed.close();
  });
  instance.setNotFoundHandler((request, reply) => sendProblem(notFound(), request, reply));

  const readingOf = async (request: FastifyRequest<{ Params: { conversation: string } }>, reply: FastifyReply): Promise<Reading> => {
    const { userId } = await dialectCaller(auth, request, reply);
    return { runLog, conversationId: request.params.conversation, userId };
  };

  const longPoll = async (reading: Reading, wanted: Wanted, given: string | undefined, reply: FastifyReply): Promise<void> => {
    const read = (from: Wanted): Promise<Batch> => readBatch(reading, from);
    let batch: Batch | null = wanted.kind === 'after' ? { items: [], next: wanted.cursor } : await read(wanted);
    if (batch.items.length === 0) {
      const from = batch.next;
      batch = await pollItems({ ...reading, hub }, from, POLL, leaving(reply, draining));
      batch ??= await read({ kind: 'after', cursor: from });
    }
    reply.headers({ ...headersOf(batch, reading.conversationId), 'stream-cursor': streamCursor(Date.now(), given) });
    const cacheControl = wanted.kind === 'now' ? 'no-store' : 'private';
    reply.headers({ 'cache-control': cacheControl, ...(draining.aborted && { connection: 'close' }) });
    if (batch.items.length === 0) return void (await reply.code(204).send());
    await reply.type('application/json').send(arrayOf(batch.items));
  };

  const feed = async (reading: Reading, wanted: Wanted, given: string | undefined, reply: FastifyReply, untilMs: number): Promise<void> => {
    const batch = await readBatch(reading, wanted);
    if (reply.raw.destroyed) return;
    reply.headers({ 'x-runnel-conversation': reading.conversationId });
    const raw = startEventStream(reply);
    keepAlive(raw, config.heartbeatMs);
    const answer = new Feed(raw, { ...reading, hub, unsent: budgets.unsent, given });
    feeds.add(answer);
    const timer = setTimeout(() => answer.close(), untilMs);
    await answer.run(batch);
    clearTimeout(timer);
    feeds.delete(answer);
  };

  app.get(
    '/:conversation',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        operationId: 'readStream',
        summary: 'The events of a conversation as a durable stream',
        description:
          'JSON mode of the Durable Streams protocol: an array of the events of the log, each as it was published. 204: nothing came within ' +
          'a long poll. 410: the log no longer has what comes after this offset, or was made anew; begin again at `-1`.',
        params: Params,
        querystring: Query,
        response: { 200: json('Events; `Stream-Next-Offset` is the offset after them', Items), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { offset, live, cursor } = request.query;
      const wanted = wantedOf(offset);
      const reading = await readingOf(request, reply);
      if (live !== undefined) {
        const { expiresAt, watch } = await lifeOf(auth, request, reply);
        // The protocol has no word for it: who comes back is told.
        const unwatch = watch?.(() => reply.raw.destroy());
        if (unwatch) onClose(reply.raw, unwatch);
        await places.take(request, reply, reading.userId, 'durable-streams');
        if (live === 'long-poll') await longPoll(reading, wanted, cursor, reply);
        else await feed(reading, wanted, cursor, reply, Math.min(FEED_MS, (expiresAt ?? Infinity) - Date.now()));
        return reply;
      }
      const batch = await budgets.reading(reading.userId, reply.raw, () => readBatch(reading, wanted));
      const etag = etagOf(offset ?? '-1', batch.next);
      const isFixed = wanted.kind !== 'now';
      reply.headers({ ...headersOf(batch, reading.conversationId), 'cache-control': isFixed ? 'private' : 'no-store' });
      if (isFixed) reply.header('etag', etag);
      if (isFixed && request.headers['if-none-match'] === etag) return (reply as FastifyReply).code(304).send();
      return reply.type('application/json').send(arrayOf(batch.items));
    },
  );

  app.head('/:conversation', { schema: { params: Params, querystring: Type.Object(UserQuery), hide: true } }, async (request, reply) => {
    const reading = await readingOf(request, reply);
    const batch = await readBatch(reading, { kind: 'now' });
    reply.headers({ ...headersOf(batch, reading.conversationId), 'cache-control': 'no-store' });
    return reply.type('application/json').send();
  });
  return { list: () => [...feeds] };
};
