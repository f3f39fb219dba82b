import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { startGateway } from '../../testing/test-gateway.ts';

/** A masked frame of a client; the mask is zero, which leaves the payload as it is. */
const frame = (payload: Buffer, { first = true, final = true }): Buffer => {
  const opcode = (first ? 1 : 0) | (final ? 0x80 : 0);
  const { length } = payload;
  const head = length < 126 ? Buffer.from([opcode, 0x80 | length]) : Buffer.from([opcode, 0xfe, length >> 8, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
};

/** A bare connection that has been upgraded. */
const upgraded = async (port: number) => {
  const socket = connect(port, '127.0.0.1');
  const state = { socket, heard: Buffer.alloc(0), closed: false };
  socket.on('data', (data) => (state.heard = Buffer.concat([state.heard, data])));
  socket.on('close', () => (state.closed = true));
  socket.on('error', () => undefined);
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n';
  socket.write(`GET /ws/chat?user_id=ann HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n`);
  await waitFor(() => state.heard.includes('\r\n\r\n'), { deadlineMs: 3000, what: 'the upgrade' });
  return state;
};
const closeCode = (heard: Buffer): number | undefined => {
  const at = heard.lastIndexOf(0x88);
  return at < 0 ? undefined : heard.readUInt16BE(at + 2);
};

test('S-4 a message in thousands of fragments ends its socket at once, before and after hello', async () => {
  await using gateway = await startGateway();
  for (const greeted of [false, true]) {
    const state = await upgraded(gateway.port);
    if (greeted) {
      state.socket.write(frame(Buffer.from('{"type":"hello","protocol":1}'), {}));
      await waitFor(() => state.heard.includes('"welcome"'), { deadlineMs: 3000, what: 'welcome' });
    }
    for (let i = 0; i < 100; i++) state.socket.write(frame(Buffer.from('x'), { first: i === 0, final: false }));
    await waitFor(() => closeCode(state.heard) === 1008, { deadlineMs: 3000, what: 'close 1008' });
    state.socket.destroy();
  }
});

test('W-1 S-4 a frame that never ends is cut before welcome when it passes what may wait there', async () => {
  await using gateway = await startGateway();
  const state = await upgraded(gateway.port);
  const whole = frame(Buffer.alloc(60_000, 'x'), {});
  state.socket.write(whole.subarray(0, 40_000));
  await waitFor(() => closeCode(state.heard) === 4500, { deadlineMs: 3000, what: 'close 4500' });
  expect(await gateway.metric('runnel_gateway_closes_total')).toBe(1);
  state.socket.destroy();
});

test('S-4 a large frame in small pieces after welcome is read', async () => {
  await using gateway = await startGateway();
  const state = await upgraded(gateway.port);
  state.socket.setNoDelay(true);
  state.socket.write(frame(Buffer.from('{"type":"hello","protocol":1}'), {}));
  await waitFor(() => state.heard.includes('"welcome"'), { deadlineMs: 3000, what: 'welcome' });
  const big = frame(Buffer.from(JSON.stringify({ type: 'ping', id: 'big', pad: 'x'.repeat(60_000) })), {});
  for (let at = 0; at < big.length; at += 500) state.socket.write(big.subarray(at, at + 500));
  await waitFor(() => state.heard.includes('"pong"'), { deadlineMs: 3000, what: 'the pong' });
  state.socket.destroy();
});
