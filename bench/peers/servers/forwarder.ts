/**
 * The plain design: a subscriber connection, a map of channels, a `ws` server. Nothing is checked and nothing is remembered.
 *   node forwarder.ts <port> <redis port>
 */
import { Redis } from 'ioredis';
import { WebSocketServer, type WebSocket } from 'ws';

const [port, redisPort] = process.argv.slice(2).map(Number);
const redis = new Redis({ port: redisPort!, host: '127.0.0.1' });
const channels = new Map<string, Set<WebSocket>>();

redis.on('smessageBuffer', (channel: Buffer, bytes: Buffer) => {
  for (const socket of channels.get(channel.toString('latin1')) ?? []) socket.send(bytes, { binary: false });
});

const server = new WebSocketServer({ port: port!, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.once('message', (data: Buffer) => {
    const channel = data.toString();
    const followers = channels.get(channel) ?? new Set();
    if (followers.size === 0) {
      channels.set(channel, followers);
      void redis.ssubscribe(channel);
    }
    followers.add(socket);
    socket.once('close', () => followers.delete(socket));
  });
});
server.on('listening', () => process.stdout.write('listening\n'));
