import type { FastifyInstance, FastifyRequest } from 'fastify';
import { onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { sessionCookie } from '../../auth/session-cookie.ts';
import type { Drainable } from '../../connections/drain.ts';
import { lifeOf } from '../../http/plumbing/caller.ts';
import { allowLargeMessages } from '../../connections/sized-socket.ts';
import { dialectCaller } from '../door.ts';
import type { DialectContext } from '../tellers.ts';
import { ChatSocket, type Known } from './socket.ts';

/** As much as a body may have. Who has not said who they are in the handshake sends frames of the native wire's size. */
const LARGE = { maxPayload: 4 * 1024 * 1024, maxBufferedChunks: 8_192 };
const RETRY_AFTER_MS = 1_000;

/** The address of the WebSocketChatTransport. */
export const aiSdkSocket = (app: FastifyInstance, context: DialectContext): { list(): readonly Drainable[] } => {
  const { auth, config, draining, places } = context;
  /** In dev mode: a guest who was made for a handshake that says nothing of anybody. */
  const isStranger = (request: FastifyRequest): boolean =>
    auth.mode === 'dev' &&
    request.headers.authorization === undefined &&
    sessionCookie(request, config.sessionCookie) === undefined &&
    (request.query as { user_id?: unknown }).user_id === undefined;
  const sockets = new Set<ChatSocket>();
  const callers = new WeakMap<FastifyRequest, { known: Known | null; leave: () => void; enter(userId: string): Promise<void> }>();

  app.get(
    '/ws/ai-sdk',
    {
      websocket: true,
      schema: { hide: true },
      preValidation: async (request, reply) => {
        if (!request.ws) throw new RunnelError('bad-frame', 'This is a WebSocket address: ask for an upgrade.');
        if (draining.aborted) throw new RunnelError('overloaded', 'This node is draining.', { retryAfterMs: RETRY_AFTER_MS });
        const known = await dialectCaller(auth, request, reply).then(
          async (caller) => ({ caller, ...(await lifeOf(auth, request, reply)) }),
          (error: unknown) => {
            // The first frame may bring a token; a bad one in the handshake is refused.
            if (error instanceof RunnelError && error.code === 'unauthorized' && request.headers.authorization === undefined) return null;
            throw error;
          },
        );
        const place = places.enter(request.ip, 'ai-sdk');
        onClose(request.raw.socket, place.leave);
        const named = known && !isStranger(request);
        if (named)
          await place.person(known.caller.userId).catch((error: unknown) => {
            place.leave();
            throw error;
          });
        if (known) allowLargeMessages(request.raw.socket, LARGE);
        const speaks = known && { ...known, isStranger: !named };
        callers.set(request, { known: speaks, leave: place.leave, enter: named ? async () => undefined : place.person });
      },
    },
    (socket, request) => {
      const { known, enter } = callers.get(request)!;
      const chat = new ChatSocket(socket, context, known, enter);
      sockets.add(chat);
      socket.on('message', (data: Buffer, isBinary: boolean) => chat.message(data, isBinary));
      socket.on('close', () => {
        chat.closed();
        sockets.delete(chat);
      });
    },
  );
  app.addHook('preClose', async () => {
    for (const socket of sockets) socket.close();
  });
  return { list: () => [...sockets] };
};
