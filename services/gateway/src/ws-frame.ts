import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { SessionSocket } from './session.ts';

const FIN_TEXT = 0x81;
const SHORT = 125;
const MEDIUM = 0xffff;

/** A text frame of a server: final, not masked, header and payload in one buffer (RFC 6455, 5.2). */
const textFrame = (payload: Buffer): Buffer => {
  const { length } = payload;
  const header = length <= SHORT ? 2 : length <= MEDIUM ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = FIN_TEXT;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  payload.copy(frame, header);
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
 */
export const framed = (socket: WebSocket, connection: Duplex): SessionSocket => ({
  get bufferedAmount() {
    return socket.bufferedAmount;
  },
  send(payload, _options, written) {
    if (socket.readyState === socket.OPEN) connection.write(frameOf(payload), written);
    else process.nextTick(written);
  },
  ping: () => socket.ping(),
  close: (code, reason) => socket.close(code, reason),
  terminate: () => socket.terminate(),
});
