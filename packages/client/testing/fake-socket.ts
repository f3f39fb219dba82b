import type { WebSocketConstructor, WebSocketLike } from '../src/transport/ws.ts';
import { createFakeTransport, type FakeTransport } from './fake-transport.ts';
import type { Transport } from '../src/transport/transport.ts';

type Listener = Parameters<WebSocketLike['addEventListener']>[1];

export interface FakeSockets extends FakeTransport {
  WebSocket: WebSocketConstructor;
  urls: string[];
}

/** A WebSocket class whose other end is the test: every socket made becomes a `FakeLink`. */
export const createFakeSockets = (): FakeSockets => {
  const fake = createFakeTransport();
  const urls: string[] = [];
  class FakeWebSocket implements WebSocketLike {
    readyState = 0;
    readonly bufferedAmount = 0;
    readonly #listeners = new Map<string, Listener>();
    readonly #transport: Transport;

    constructor(url: string) {
      urls.push(url);
      const tell = (type: string, fields: object = {}): void => this.#listeners.get(type)?.({ type, ...fields });
      this.#transport = fake.open({
        open: () => {
          this.readyState = 1;
          tell('open');
        },
        event: (event) => tell('message', { data: JSON.stringify(event) }),
        traffic: () => tell('message', { data: 'x' }),
        closed: (code) => {
          this.readyState = 3;
          tell('close', { code });
        },
      });
    }
    addEventListener(type: string, listener: Listener): void {
      this.#listeners.set(type, listener);
    }
    send(data: string): void {
      this.#transport.send(JSON.parse(data));
    }
    close(): void {
      this.readyState = 3;
      this.#transport.close();
    }
  }
  return {
    open: fake.open,
    links: fake.links,
    get link() {
      return fake.link;
    },
    WebSocket: FakeWebSocket,
    urls,
  };
};
