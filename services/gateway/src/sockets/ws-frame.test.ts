import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { logged, type Outgoing } from '../follow/wire-event.ts';
import { FramedSocket } from './ws-frame.ts';

const event = (text: string): Outgoing => logged('chunk', 'c1', 1, 'L', Buffer.from(text));

/** What a WebSocket client reads of texts that were sent together with the library's own frames. */
const roundTrip = async (texts: readonly string[]): Promise<string[]> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  server.on('connection', (socket, request) => {
    const connection = new FramedSocket(socket, request.socket);
    for (const [index, text] of texts.entries()) {
      connection.write(event(text), 'L', index % 2 === 0 ? () => undefined : undefined);
      connection.ping();
    }
    connection.close(1000, '');
    // After the close frame nothing may follow it, and who waits for the write is told all the same.
    connection.write(event('late'), 'L', () => undefined);
    connection.write(event('later'), 'L');
  });
  const seen: string[] = [];
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('message', (data: Buffer, isBinary) => seen.push(`${isBinary ? 'binary ' : ''}${data.toString()}`));
  await once(client, 'close');
  return seen;
};

test('texts of any length are whole text frames for a reader, in order with pings and the close', async () => {
  const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map((length) => 'x'.repeat(length));
  const all = [...texts, 'hoàn toàn ✓', 'twice', 'twice'];
  expect(await roundTrip(all)).toEqual(all);
});
