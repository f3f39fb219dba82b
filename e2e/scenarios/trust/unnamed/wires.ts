import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Pod } from '../../../harness/processes/pod.ts';
import { waitFor } from '../../../harness/wait.ts';

/** Sends bytes as they are, and resolves to all that came until the other side closed or `ms` were over. */
export const raw = (pod: Pod, bytes: string | Buffer, ms = 4_000): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(pod.url).port), '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });

const UPGRADE =
  'GET /ws/chat?user_id=mallory HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\r\n';

interface FrameOptions {
  opcode?: number;
  /** Of the reserved bits: 0x40 says that the payload is compressed. */
  bits?: number;
  final?: boolean;
  masked?: boolean;
  /** Announced instead of its length. */
  length?: bigint;
}
/** A frame that no client sends. */
const frame = (payload: Buffer, { opcode = 1, bits = 0, final = true, masked = true, length }: FrameOptions = {}): Buffer => {
  const head = [opcode | bits | (final ? 0x80 : 0)];
  const mask = masked ? 0x80 : 0;
  const size = length ?? BigInt(payload.length);
  const more = Buffer.alloc(8);
  more.writeBigUInt64BE(size);
  if (size < 126n) head.push(mask | Number(size));
  else head.push(mask | 127, ...more);
  return Buffer.concat([Buffer.from(head), masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
};
const text = (value: object): Buffer => frame(Buffer.from(JSON.stringify(value)));

/** Frames that break the protocol of sockets, behind a good `hello`. */
export const BROKEN_FRAMES: Record<string, () => Buffer> = {
  'compressed though nobody agreed': () => frame(randomBytes(300), { bits: 0x40 }),
  'every reserved bit': () => frame(Buffer.from('{}'), { bits: 0x70 }),
  'a reserved opcode': () => frame(Buffer.from('x'), { opcode: 3 }),
  'a reserved control opcode': () => frame(Buffer.from('x'), { opcode: 11 }),
  'not masked': () => frame(Buffer.from('{"type":"ping"}'), { masked: false }),
  'a long ping': () => frame(Buffer.alloc(200), { opcode: 9 }),
  'a ping in pieces': () => frame(Buffer.from('x'), { opcode: 9, final: false }),
  'a length of 2^63': () => frame(Buffer.from('x'), { length: 2n ** 63n }),
  'a length of 4 GiB': () => frame(Buffer.from('x'), { length: 2n ** 32n }),
  'a piece of nothing': () => frame(Buffer.from('x'), { opcode: 0 }),
  'two beginnings': () => Buffer.concat([frame(Buffer.from('{'), { final: false }), frame(Buffer.from('}'))]),
  'half a letter': () => frame(Buffer.from([0x7b, 0xff, 0xfe])),
  'bytes instead of text': () => frame(Buffer.from('{"type":"ping"}'), { opcode: 2 }),
  'a close of one byte': () => frame(Buffer.from([3]), { opcode: 8 }),
  'a close with a code that is none': () => frame(Buffer.from([0, 1]), { opcode: 8 }),
  'ten thousand pongs': () => Buffer.concat(Array.from({ length: 10_000 }, () => frame(Buffer.from('x'), { opcode: 10 }))),
  'a thousand empty frames': () => Buffer.concat(Array.from({ length: 1_000 }, () => frame(Buffer.alloc(0)))),
};

export const broken = (pod: Pod, bytes: Buffer): Promise<string> =>
  raw(pod, Buffer.concat([Buffer.from(UPGRADE), text({ type: 'hello', protocol: 1 }), bytes]), 3_000);

/** Sockets and event streams that never answer again and never close: as those behind a cut wire. */
export const halfOpen = async (pod: Pod, count: number): Promise<() => void> => {
  const sockets = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const socket = connect({ port: Number(new URL(pod.url).port), host: '127.0.0.1', allowHalfOpen: true });
      let heard = '';
      socket.on('error', () => undefined);
      socket.on('data', (data) => (heard = (heard + data.toString('latin1')).slice(-2_000)));
      const stream = `GET /api/conversations/half-${i}/events?user_id=mallory HTTP/1.1\r\nhost: x\r\n\r\n`;
      socket.write(i % 2 === 0 ? stream : Buffer.concat([Buffer.from(UPGRADE), text({ type: 'hello', protocol: 1 })]));
      await waitFor(() => heard.includes('\r\n\r\n'), { deadlineMs: 20_000, what: 'an answer' });
      // Whoever is behind it reads nothing any more, and every second one has said that it sends nothing more.
      socket.pause();
      if (i % 4 < 2) socket.end();
      return socket;
    }),
  );
  return () => sockets.forEach((socket) => socket.destroy());
};
