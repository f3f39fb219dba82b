import type { ServerEvent } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { openWebSocket, socketUrl, type WebSocketLike } from './ws.ts';

type Listener = Parameters<WebSocketLike['addEventListener']>[1];

const setup = () => {
  const listeners = new Map<string, Listener>();
  const sent: string[] = [];
  const socket = { readyState: 1, bufferedAmount: 0, closed: false };
  const made: unknown[] = [];
  class Socket {
    constructor(...args: unknown[]) {
      made.push(args);
      Object.defineProperties(this, { readyState: { get: () => socket.readyState }, bufferedAmount: { get: () => socket.bufferedAmount } });
    }
    declare readonly readyState: number;
    declare readonly bufferedAmount: number;
    addEventListener = (type: string, listener: Listener): void => void listeners.set(type, listener);
    send = (data: string): void => void sent.push(data);
    close = (): void => void (socket.closed = true);
  }
  const heard: (ServerEvent | string | number)[] = [];
  const transport = openWebSocket(
    Socket,
    'ws://x/ws/chat',
  )({
    open: () => heard.push('open'),
    event: (event) => heard.push(event),
    traffic: () => heard.push('traffic'),
    closed: (code) => heard.push(code),
  });
  const tell = (type: string, fields: object = {}): void => listeners.get(type)!({ type, ...fields });
  return { transport, tell, heard, sent, socket, made };
};

describe('the address', () => {
  test('is the origin by its scheme, with the identity of development', () => {
    expect(socketUrl('https://a.example/?x=1')).toBe('wss://a.example/ws/chat');
    expect(socketUrl('http://localhost:8080', 'ann b')).toBe('ws://localhost:8080/ws/chat?user_id=ann+b');
  });
});

test('frames go out as JSON, events come in, and what is no event is only a sign of life', () => {
  const { transport, tell, heard, sent, made } = setup();
  expect(made).toEqual([['ws://x/ws/chat', 'runnel.v1']]);
  tell('open');
  expect(transport.send({ type: 'ping', t: 1 })).toBe(true);
  for (const data of ['{"type":"pong","t":1}', '{', '[]', 'null', '{"type":1}', new ArrayBuffer(1)]) tell('message', { data });
  expect(sent).toEqual(['{"type":"ping","t":1}']);
  expect(heard).toEqual(['open', { type: 'pong', t: 1 }, 'traffic', 'traffic', 'traffic', 'traffic', 'traffic']);
});

test('a close is told once, with its code, and nothing after it', () => {
  const { transport, tell, heard } = setup();
  tell('error');
  tell('close', { code: 4002 });
  tell('close', { code: 1006 });
  tell('message', { data: '{"type":"pong"}' });
  expect(heard).toEqual([4002]);
  expect(transport.send({ type: 'ping' })).toBe(false);
});

test('closed by its owner it tells nothing', () => {
  const { transport, tell, heard, socket } = setup();
  transport.close();
  tell('open');
  tell('close', { code: 1000 });
  expect(heard).toEqual([]);
  expect(socket.closed).toBe(true);
});

test('P-8 a socket that takes nothing any more gets nothing more', () => {
  const { transport, socket, sent } = setup();
  socket.bufferedAmount = 2 * 1024 * 1024;
  expect(transport.send({ type: 'ping' })).toBe(false);
  socket.bufferedAmount = 0;
  socket.readyState = 0;
  expect(transport.send({ type: 'ping' })).toBe(false);
  expect(sent).toEqual([]);
});
