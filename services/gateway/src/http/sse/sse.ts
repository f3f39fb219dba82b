import { Type } from 'typebox';
import { withDeadline, onClose } from '@runnel/kit';
import { BUSY_STORE_MS } from '@runnel/coordination';
import { RunnelError, parseCursor } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import { gatewayMetrics } from '../../metrics.ts';
import { SocketLimits } from '../../connections/socket-limits.ts';
import { TokenExpiry } from '../../connections/token-expiry.ts';
import type { HttpMetrics } from '../plumbing/http-metrics.ts';
import { ConversationParams, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';
import { SseChannel } from './sse-channel.ts';

/** Longer than any first read may take, also one that a busy store keeps waiting, with the wait for the channel before it. */
const OPEN_DEADLINE_MS = BUSY_STORE_MS + 1_000;
const RETRY_AFTER_MS = 2_000;

const schema = {
  tags: ['Events'],
  operationId: 'followConversation',
  summary: 'The events of a conversation, from a cursor on (server-sent events)',
  description:
    'The same events as over WebSocket: `event` is the type, `data` the JSON, `id` the cursor after it (`logId:offset`). ' +
    'Resumes after `Last-Event-ID` or `?cursor=`; without one, or when the log has gone on too far, it starts with a `snapshot`.',
  params: ConversationParams,
  querystring: Type.Object({ ...UserQuery, cursor: Type.Optional(Type.String({ description: 'logId:offset' })) }),
  headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: 'logId:offset; wins over `cursor`' })) }),
  response: {
    200: { description: 'Events until the caller leaves', content: { 'text/event-stream': { schema: Type.String() } } },
    ...PROBLEMS,
  },
};

/** The open SSE responses of this node. */
export interface EventStreams {
  list(): readonly SseChannel[];
}

export const eventRoutes = (app: Routes, context: GatewayContext, metrics: HttpMetrics): EventStreams => {
  const { auth, budgets, config, draining, hub } = context;
  const { merges } = gatewayMetrics(context.metrics);
  const limits = new SocketLimits(config.maxSockets, config.maxSocketsPerIp);
  const channels = new Set<SseChannel>();

  // A HEAD of something that never ends would never end either.
  app.get('/api/conversations/:id/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { ip } = request;
    const conversationId = request.params.id;
    const identity = await auth.require(request, reply);
    const { userId } = identity;
    if (draining.aborted || !limits.enter(ip)) throw new RunnelError('overloaded', undefined, { retryAfterMs: RETRY_AFTER_MS });
    if (!(await budgets.sockets.take(userId))) {
      limits.leave(ip);
      throw budgets.refusals.of('sockets', { retryAfterMs: RETRY_AFTER_MS });
    }
    if (request.raw.destroyed) {
      // Left while it was being counted: nothing would tell when it goes.
      limits.leave(ip);
      budgets.sockets.release(userId);
      throw new RunnelError('unavailable', 'The caller has left.');
    }
    metrics.eventStreams.set(limits.total);

    const channel = new SseChannel(reply, {
      heartbeatMs: config.heartbeatMs,
      busy: () => hub.hasLiveRun(conversationId),
      merged: () => merges.inc(),
      slow: () => metrics.slowReaders.inc(),
      unsent: budgets.unsent,
    });
    channels.add(channel);
    // The header is what an EventSource knows after a break; its URL still has the cursor it began with.
    const cursor = parseCursor(request.headers['last-event-id']) ?? parseCursor(request.query.cursor);
    const follow = hub.follow({ conversationId, userId, cursor, sink: channel });
    const expired = (): void => channel.failed(new RunnelError('token-expired'));
    const token = new TokenExpiry(() => undefined, expired);
    token.start(identity);
    const left = new Promise<void>((resolve) =>
      onClose(reply.raw, () => {
        follow.close();
        token.stop();
        channels.delete(channel);
        limits.leave(ip);
        budgets.sockets.release(userId);
        metrics.eventStreams.set(limits.total);
        resolve();
      }),
    );
    await withDeadline(Promise.race([channel.ready, left]), OPEN_DEADLINE_MS, () => {
      throw new RunnelError('unavailable');
    });
    return reply;
  });

  app.addHook('preClose', async () => {
    for (const channel of channels) channel.close();
  });
  return { list: () => [...channels] };
};
