import { connect, type Socket } from 'node:net';
import type { Pod } from '../../harness/processes/pod.ts';

/** A bare connection that never fails loudly; `heard` counts what came, `text` keeps the beginning. */
export interface Wire {
  socket: Socket;
  text: string;
  closed: boolean;
}

export const open = async (gateway: Pod, request: string): Promise<Wire> => {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const wire: Wire = { socket, text: '', closed: false };
  socket.on('error', () => undefined);
  socket.on('close', () => (wire.closed = true));
  socket.on('data', (data) => (wire.text = (wire.text + data.toString('latin1')).slice(0, 4096)));
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve));
  socket.write(request);
  return wire;
};

export const upgrade = (gateway: Pod, userId: string): Promise<Wire> =>
  open(
    gateway,
    `GET /ws/chat?user_id=${userId} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n',
  );

/** A masked client frame; the mask is zero, which leaves the payload as it is. */
export const frame = (payload: string, { first = true, final = true } = {}): Buffer => {
  const bytes = Buffer.from(payload);
  const opcode = (first ? 1 : 0) | (final ? 0x80 : 0);
  const head = bytes.length < 126 ? [opcode, 0x80 | bytes.length] : [opcode, 0xfe, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), bytes]);
};

export const json = (value: object): Buffer => frame(JSON.stringify(value));
