import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { WebSocket } from 'ws';
import { CLOSE, CLOSE_REASONS, RunnelError, SUBPROTOCOL, toRunnelError } from '@runnel/protocol';
import type { Auth } from '../auth/auth.ts';
import type { Identity } from '../auth/identity.ts';
import { control } from '../follow/wire-event.ts';
import { Session, type SessionDeps } from './session.ts';
import { SocketLimits } from '../connections/socket-limits.ts';
import { SizedSocket } from '../connections/sized-socket.ts';
import { FramedSocket } from './ws-frame.ts';

export interface WsDeps extends Omit<SessionDeps, 'bans' | 'auth'> {
  auth: Auth;
  maxSockets: number;
  maxSocketsPerIp: number;
  /** The node drains: upgrades are refused, so that a client's retry meets another node. */
  draining: AbortSignal;
}

/** The WebSockets of a node. */
export interface Sockets {
  sessions(): readonly Session[];
}

const BAN_MS = 60_000;
const BANS_KEPT = 10_000;
/** A full node asks for patience, jittered so that the refused do not come back together. */
const OVERLOADED_RETRY_MS = { least: 1000, spread: 4000 };
const REFUSED_CLOSE_MS = 1000;
/**
 * Clients never fragment: a message in 16,000 pieces of one byte is 112 KB on the wire and 2 MiB here. What waits for the rest of one
 * frame is counted in reads, since a slow phone sends a frame of 64 KiB in some 120 of them.
 */
const RECEIVER_BOUNDS = { maxFragments: 16, maxBufferedChunks: 512 };
/** On the wire, before `welcome`: the 16 KiB of W-1 with the heads of their frames. */
const MAX_WIRE_BYTES_BEFORE_OPEN = 32 * 1024;

export const registerWs = async (app: FastifyInstance, deps: WsDeps): Promise<Sockets> => {
  const sessions = new Set<Session>();
  const limits = new SocketLimits(deps.maxSockets, deps.maxSocketsPerIp);
  const banned = new LRUCache<string, true>({ max: BANS_KEPT, ttl: BAN_MS });
  const bans = { has: (userId: string) => banned.has(userId), add: (userId: string) => void banned.set(userId, true) };
  const known = new WeakMap<IncomingMessage, { identity: Identity | null; setCookie?: string; response: ServerResponse }>();
  // `ws` has already answered a broken frame with its close code (1009, 1007, 1002); terminating here would swallow it.
  const failed = (err: Error, socket: WebSocket): void => {
    deps.log.debug({ event: 'ws.error', err });
    if (!('code' in err) || !String(err.code).startsWith('WS_ERR')) socket.terminate();
  };

  await app.register(websocket, {
    options: {
      maxPayload: deps.limits.frameBytes,
      ...RECEIVER_BOUNDS,
      // Its type wants the whole module, of which the server makes sockets alone.
      WebSocket: SizedSocket as never,
      // Deflate costs ten times the CPU and memory; texts are short and the wire is not what is scarce.
      perMessageDeflate: false,
      handleProtocols: (offered: Set<string>) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    },
    errorHandler: failed,
    preClose(this: FastifyInstance, done: () => void) {
      for (const session of sessions) session.close();
      app.server.removeAllListeners('upgrade');
      app.websocketServer.close(() => done());
      // A client that does not answer the close frame must not keep the process alive.
      setTimeout(() => app.websocketServer.clients.forEach((client) => client.terminate()), REFUSED_CLOSE_MS).unref();
    },
  });
  app.websocketServer.on('headers', (headers: string[], request: IncomingMessage) => {
    const setCookie = known.get(request)?.setCookie;
    if (setCookie !== undefined) headers.push(`Set-Cookie: ${setCookie}`);
  });

  app.get(
    '/ws/chat',
    {
      websocket: true,
      schema: { hide: true },
      // Identity is settled before the upgrade, so that handlers can be attached in the same tick as it (no frame is lost).
      preValidation: async (request: FastifyRequest, reply: FastifyReply) => {
        try {
          if (!request.ws) throw new RunnelError('bad-frame', 'This is a WebSocket address: ask for an upgrade.');
          if (deps.draining.aborted)
            throw new RunnelError('overloaded', 'This node is draining.', { retryAfterMs: OVERLOADED_RETRY_MS.least });
          known.set(request.raw, { ...(await deps.auth.identify(request)), response: reply.raw });
        } catch (error) {
          deps.metrics.handshakes.inc({ outcome: toRunnelError(error).code });
          throw error;
        }
      },
    },
    (socket, request) => {
      forgetRequest(socket, request);
      const { ip } = request;
      const entered = limits.enter(ip);
      deps.metrics.handshakes.inc({ outcome: entered ? 'accepted' : 'full' });
      if (!entered) return refuse(socket);
      const { session_id: sessionId } = request.query as { session_id?: unknown };
      const identity = known.get(request.raw)?.identity ?? null;
      const connection = new FramedSocket(socket, request.raw.socket);
      const session = new Session(connection, { ...deps, bans }, { identity, ...(typeof sessionId === 'string' && { sessionId }) });
      sessions.add(session);
      boundBeforeOpen(session, request.raw.socket);
      deps.metrics.sockets.set(limits.total);
      socket.on('message', (data: Buffer, isBinary: boolean) => session.message(data, isBinary));
      socket.on('ping', () => session.controlFrame());
      socket.on('pong', () => session.controlFrame());
      socket.on('close', () => {
        session.closed();
        sessions.delete(session);
        limits.leave(ip);
        deps.metrics.sockets.set(limits.total);
      });
    },
  );

  /** Request, response and all that hangs on them (5 KiB) would live as long as the socket, held by the listeners of the upgrade. */
  const forgetRequest = (socket: WebSocket, request: FastifyRequest): void => {
    known.get(request.raw)?.response.detachSocket(request.raw.socket);
    socket.removeAllListeners('error');
    socket.on('error', (err) => failed(err, socket));
  };

  /** A message that never ends is seen by nobody but the wire, so before `welcome` the wire is counted. */
  const boundBeforeOpen = (session: Session, wire: Socket): void => {
    let bytes = 0;
    const count = (data: Buffer): void => {
      bytes += data.length;
      if (!session.open || session.welcomed) return void wire.off('data', count);
      if (bytes <= MAX_WIRE_BYTES_BEFORE_OPEN) return;
      wire.off('data', count);
      session.end('protocol');
    };
    wire.on('data', count);
  };

  const refuse = (socket: WebSocket): void => {
    const retryAfterMs = Math.round(OVERLOADED_RETRY_MS.least + Math.random() * OVERLOADED_RETRY_MS.spread);
    socket.send(control({ type: 'error', ...new RunnelError('overloaded', undefined, { retryAfterMs }).toFields() }).bytes, {
      binary: false,
    });
    socket.close(CLOSE.overloaded, CLOSE_REASONS.overloaded);
    deps.metrics.closes.inc({ code: String(CLOSE.overloaded) });
    setTimeout(() => socket.terminate(), REFUSED_CLOSE_MS).unref();
  };

  return { sessions: () => [...sessions] };
};
