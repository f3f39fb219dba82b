import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Outgoing } from '../follow/wire-event.ts';
import type { SessionSocket } from './session.ts';

const { OPEN } = WebSocket;
const FIN_TEXT = 0x81;
const SHORT = 125;
const MEDIUM = 0xffff;

/** Above this a copy costs more than a second piece in the same write: of a snapshot of 7 MiB each reader would hold one of its own. */
const COPIED_BYTES = 64 * 1024;

/** A text frame of a server: final, not masked, header and room for the payload in one buffer (RFC 6455, 5.2). */
const frameFor = (length: number, room: number): Buffer => {
  const header = length <= SHORT ? 2 : length <= MEDIUM ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + room);
  frame[0] = FIN_TEXT;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  return frame;
};
const textFrame = (payload: Buffer): Buffer => {
  const frame = frameFor(payload.length, payload.length);
  payload.copy(frame, frame.length - payload.length);
  return frame;
};

/** An event goes to all its readers in one turn, so remembering the last frame is enough to make each once. */
const last: { payload: Buffer | null; frame: Buffer } = { payload: null, frame: Buffer.alloc(0) };
const frameOf = (payload: Buffer): Buffer => {
  if (last.payload !== payload) {
    last.frame = textFrame(payload);
    last.payload = payload;
  }
  return last.frame;
};

/**
 * A session's socket whose texts go to the connection as one buffer each. `ws` would write header and payload apart, in a system call
 * for two, and frame an event again for each reader. It writes at once too (there is no deflate), so frames of both never mix.
 * A class: a getter in an object literal is another hidden class for each socket, and every access to it the slowest there is.
 */
export class FramedSocket implements SessionSocket {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;

  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket;
    this.#connection = connection;
  }
  get backlog(): number {
    return this.#connection.writableLength;
  }
  write({ bytes }: Outgoing, _logId: string | null, written?: () => void): void {
    if (this.#socket.readyState !== OPEN) {
      if (written) process.nextTick(written);
    } else if (bytes.length <= COPIED_BYTES) this.#connection.write(frameOf(bytes), written);
    else {
      this.#connection.cork();
      this.#connection.write(frameFor(bytes.length, 0));
      this.#connection.write(bytes, written);
      this.#connection.uncork();
    }
  }
  ping(): void {
    this.#socket.ping();
  }
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }
  terminate(): void {
    this.#socket.terminate();
  }
}
