import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';

interface Bounds {
  /** Of one message. */
  maxPayload: number;
  /** Reads that one message may take. */
  maxBufferedChunks: number;
}

/** Connections that may send larger messages than those of the native wire: who has said who they are, on a route whose frames are large. */
const larger = new WeakMap<Duplex, Bounds>();

/** To be called before the upgrade. */
export const allowLargeMessages = (connection: Duplex, bounds: Bounds): void => void larger.set(connection, bounds);

type SetSocket = { setSocket(socket: Duplex, head: Buffer, options: object): void };

/** The socket of every upgrade of the node: one server makes them all, with one bound for all unless a route says so. */
export class SizedSocket extends WebSocket {
  setSocket(socket: Duplex, head: Buffer, options: object): void {
    (WebSocket.prototype as unknown as SetSocket).setSocket.call(this, socket, head, { ...options, ...larger.get(socket) });
  }
}
