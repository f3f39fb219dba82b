import { WebSocket } from 'ws';
import { waitFor } from '@runnel/kit';
import { SUBPROTOCOL, type ClientFrame, type ServerEvent } from '@runnel/protocol';

export interface ClientOptions {
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Sends a `hello` as soon as the socket is open, and waits for `welcome`. Default: true. */
  hello?: boolean;
  token?: string;
}

type EventOf<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>;

/** A bare WebSocket client that keeps everything it was sent. */
export class TestClient {
  readonly socket: WebSocket;
  readonly events: ServerEvent[] = [];
  /** Frames as they came. */
  readonly raw: string[] = [];
  readonly opened: Promise<void>;
  readonly closedWith: Promise<number>;
  headers: Record<string, string | string[] | undefined> = {};

  constructor(port: number, { query = { user_id: 'ann' }, headers = {}, hello = true, token }: ClientOptions) {
    const url = `ws://127.0.0.1:${port}/ws/chat?${new URLSearchParams(query)}`;
    this.socket = new WebSocket(url, [SUBPROTOCOL], { headers, perMessageDeflate: false });
    this.socket.on('upgrade', (response) => (this.headers = response.headers));
    this.socket.on('message', (data: Buffer) => {
      this.raw.push(data.toString());
      this.events.push(JSON.parse(data.toString()) as ServerEvent);
    });
    this.closedWith = new Promise((resolve) => this.socket.on('close', resolve));
    this.opened = new Promise<void>((resolve, reject) => {
      this.socket.on('error', reject);
      this.socket.on('unexpected-response', (_request, response) =>
        reject(Object.assign(new Error('no upgrade'), { status: response.statusCode })),
      );
      this.socket.on('open', resolve);
    }).then(async () => {
      if (!hello) return;
      this.send({ type: 'hello', protocol: 1, ...(token !== undefined && { token }) });
      await this.next('welcome');
    });
  }

  send(frame: ClientFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** The first event of this type that `match` accepts, now or soon. */
  next<T extends ServerEvent['type']>(type: T, match: (event: EventOf<T>) => boolean = () => true): Promise<EventOf<T>> {
    const what = `a ${type} event`;
    return waitFor(() => this.events.find((event): event is EventOf<T> => event.type === type && match(event as EventOf<T>)), {
      deadlineMs: 3000,
      everyMs: 5,
      what,
    });
  }

  /** Sends a frame with an id of its own; its `ok`, or its `error` as it is. */
  async ask(frame: ClientFrame): Promise<EventOf<'ok'> | EventOf<'error'>> {
    const id = `ask-${this.events.length}-${Math.random().toString(36).slice(2)}`;
    this.send({ ...frame, id });
    return waitFor(
      () => this.events.find((event) => (event.type === 'ok' || event.type === 'error') && event.id === id) as EventOf<'ok'> | undefined,
      { deadlineMs: 3000, everyMs: 5, what: `the answer to ${frame.type}` },
    );
  }

  drop(): void {
    this.socket.terminate();
  }
}
