import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { onClose } from '@runnel/kit';

/** Requests that are still open this long after the close began are cut off: commands answer within a second. */
const GRACE_MS = 3_000;

/**
 * Lets a closing server end as soon as its last answer is out. Node closes the connections that are idle at that moment, but not
 * those that never brought a request (browsers open some in advance) nor those that become idle a moment later.
 */
export const registerGracefulClose = (app: FastifyInstance): void => {
  const sockets = new Set<Socket>();
  let closing = false;
  app.server.on('connection', (socket: Socket) => {
    if (closing) return void socket.destroy();
    sockets.add(socket);
    onClose(socket, () => sockets.delete(socket));
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    setTimeout(() => app.server.closeAllConnections(), GRACE_MS).unref();
  });
  app.addHook('onResponse', async (request) => {
    if (closing) request.raw.socket.end();
  });
};
