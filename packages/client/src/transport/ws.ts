import { SUBPROTOCOL } from '@runnel/protocol';
import { addressOf } from '../api/address.ts';
import { ABNORMAL, parseEvent, type OpenTransport } from './transport.ts';

interface SocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
}

/** The part of a WebSocket that is used: browsers', Node's and the `ws` package's all have it. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: SocketEvent) => void): void;
}
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

const OPEN = 1;
/** Unsent bytes beyond which no further frame is taken: the link is stuck, and the heartbeat watch will find out. */
const MAX_UNSENT_BYTES = 1024 * 1024;

export const socketUrl = (origin: string, userId?: string): string => {
  const url = addressOf(origin, '/ws/chat');
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  if (userId !== undefined) url.searchParams.set('user_id', userId);
  return url.href;
};

export const openWebSocket =
  (WebSocketClass: WebSocketConstructor, url: string): OpenTransport =>
  (listener) => {
    const socket = new WebSocketClass(url, SUBPROTOCOL);
    let done = false;
    const finish = (code: number): void => {
      if (done) return;
      done = true;
      listener.closed(code);
    };
    socket.addEventListener('open', () => {
      if (!done) listener.open();
    });
    socket.addEventListener('message', ({ data }) => {
      if (done) return;
      const event = typeof data === 'string' ? parseEvent(data) : null;
      if (event) listener.event(event);
      else listener.traffic();
    });
    socket.addEventListener('error', () => undefined); // a `close` always follows and says more
    socket.addEventListener('close', ({ code }) => finish(code ?? ABNORMAL));
    return {
      send(frame) {
        if (done || socket.readyState !== OPEN || socket.bufferedAmount > MAX_UNSENT_BYTES) return false;
        socket.send(JSON.stringify(frame));
        return true;
      },
      close() {
        done = true;
        socket.close(1000);
      },
    };
  };
