import { connect, type Socket } from 'node:net';

const OPEN_TEXT = 0x81;
const OPCODE = 0x0f;
const CLOSE = 8;
const PING = 9;
const PONG = 0x8a;

/** A WebSocket that costs next to nothing, so that the load generator measures the gateway and not itself. */
export interface LeanSocket {
  send(json: string): void;
  destroy(): void;
}

/** The payload lies in `buffer` from `start` to `end`; it is only valid during the call. */
export type OnText = (buffer: Buffer, start: number, end: number) => void;

/** A client must mask; the key 0 masks with nothing. */
const frameOf = (head: number, payload: Buffer): Buffer => {
  const long = payload.length > 125;
  const frame = Buffer.alloc((long ? 8 : 6) + payload.length);
  frame[0] = head;
  frame[1] = 0x80 | (long ? 126 : payload.length);
  if (long) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, long ? 8 : 6);
  return frame;
};

/** Reads as many whole frames as there are and answers what is left over. */
const readFrames = (socket: Socket, buffer: Buffer, onText: OnText): Buffer => {
  let position = 0;
  while (buffer.length - position >= 2) {
    const short = buffer[position + 1]! & 0x7f;
    const header = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (buffer.length - position < header) break;
    const length = short === 127 ? Number(buffer.readBigUInt64BE(position + 2)) : short === 126 ? buffer.readUInt16BE(position + 2) : short;
    const end = position + header + length;
    if (buffer.length < end) break;
    const opcode = buffer[position]! & OPCODE;
    if (opcode === 1) onText(buffer, position + header, end);
    else if (opcode === PING) socket.write(frameOf(PONG, buffer.subarray(position + header, end)));
    else if (opcode === CLOSE) socket.end();
    position = end;
  }
  return position === buffer.length ? Buffer.alloc(0) : buffer.subarray(position);
};

/** `onOpen` is called before the first frame is read; the answer comes after what is in the same packet as the upgrade. */
export const openLean = (
  port: number,
  path: string,
  onText: OnText,
  onClose: (error?: Error) => void,
  onOpen: (socket: LeanSocket) => void = () => undefined,
): Promise<LeanSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let rest: Buffer = Buffer.alloc(0);
    let open = false;
    socket.setNoDelay(true);
    socket.on('connect', () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    );
    socket.on('data', (data: Buffer) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      if (!open) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        const status = rest.subarray(0, rest.indexOf('\r\n')).toString('latin1');
        if (!status.includes(' 101 ')) return void socket.destroy(new Error(status));
        open = true;
        rest = rest.subarray(end + 4);
        const lean = {
          send: (json: string) => void socket.write(frameOf(OPEN_TEXT, Buffer.from(json))),
          destroy: () => void socket.destroy(),
        };
        onOpen(lean);
        resolve(lean);
      }
      rest = readFrames(socket, rest, onText);
    });
    let failure: Error | undefined;
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => {
      reject(failure ?? new Error('closed before it was open'));
      onClose(failure);
    });
  });
