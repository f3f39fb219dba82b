import { WebSocket } from 'ws';
import { isOfTheConversation, type Answer, type ServerFrame } from './events.ts';
import type { Random } from '../random.ts';
import { Screen } from './screen.ts';
import type { Expected } from './expected.ts';

export interface Viewer {
  readonly name: string;
  readonly conversationId: string;
  readonly screen: Screen;
  /** Connections made so far. */
  readonly connects: number;
  /** As the browser's button does it; without the cursor all that was shown is forgotten. */
  reload(options: { cursor: boolean }): void;
  /** Stops reading, as a phone in a tunnel does; the connection stays. */
  stall(): void;
  unstall(): void;
  close(): void;
}

export interface ViewerOptions {
  name: string;
  conversationId: string;
  userId: string;
  /** The origin to connect to next: any gateway will do. */
  origin: () => string;
  random: Random;
  expected: Expected;
  /** What an answer to a ping may take before the connection counts as dead. */
  silenceMs?: number;
  /** Stays when told that the gateway drains, until it is closed. */
  lingers?: boolean;
}

/** How long nothing was heard before it asks: where words flow nobody does, as no page would (W-3 has 20 s). */
const PING_MS = 500;

/** A WebSocket client that comes back as PROTOCOL.md says, and believes nothing. */
export class WsViewer implements Viewer {
  readonly name: string;
  readonly conversationId: string;
  readonly screen: Screen;
  readonly closeCodes: number[] = [];
  /** Nodes that said welcome, in order. */
  readonly nodes: string[] = [];
  readonly errors: Answer[] = [];
  connects = 0;
  /** When the last frame of any kind arrived (`performance.now()`). */
  heardAt = 0;
  readonly #options: ViewerOptions;
  #socket: WebSocket | null = null;
  #closed = false;
  #stalled = false;
  #frameId = 0;
  /** What a browser would send back: `name=value` pairs. */
  #cookies = '';
  #timer: NodeJS.Timeout | undefined;
  readonly #answers = new Map<string, (answer: Answer | null) => void>();
  readonly #pinger: NodeJS.Timeout;

  constructor(options: ViewerOptions) {
    this.name = options.name;
    this.conversationId = options.conversationId;
    this.#options = options;
    this.screen = new Screen(options.name, options.conversationId, options.expected);
    this.#pinger = setInterval(() => this.#watchSilence(), PING_MS);
    this.#connect();
  }

  reload({ cursor }: { cursor: boolean }): void {
    if (!cursor) this.screen.forget();
    this.#drop();
    this.#connect();
  }

  stall(): void {
    this.#stalled = true;
    this.#socket?.pause();
  }
  unstall(): void {
    this.#stalled = false;
    this.#socket?.resume();
    this.heardAt = performance.now();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pinger);
    this.#drop();
  }

  /** Sends a command on the connection of now; null when the connection ended before the answer came. */
  request(frame: { type: string } & Record<string, unknown>): Promise<Answer | null> {
    const id = `f${++this.#frameId}`;
    return new Promise((resolve) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return resolve(null);
      this.#answers.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, conversationId: this.conversationId, ...frame }));
    });
  }

  /** Bytes as they are, for hostile input. */
  sendRaw(data: string | Buffer): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.connects++;
    const url = `${this.#options.origin().replace('http', 'ws')}/ws/chat?user_id=${this.#options.userId}`;
    const socket = new WebSocket(url, 'runnel.v1', {
      perMessageDeflate: false,
      handshakeTimeout: 2_000,
      ...(this.#cookies !== '' && { headers: { cookie: this.#cookies } }),
    });
    socket.on('upgrade', ({ headers }) => this.#keepCookies(headers['set-cookie'] ?? []));
    this.#socket = socket;
    this.heardAt = performance.now();
    if (this.#stalled) socket.once('open', () => socket.pause());
    socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', protocol: 1, client: `e2e ${this.name}` })));
    socket.on('message', (data) => {
      if (socket === this.#socket) this.#receive(JSON.parse(String(data)) as ServerFrame);
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      if (socket !== this.#socket) return;
      this.closeCodes.push(code);
      if (code >= 4500 && code <= 4999) this.screen.violate(`closed for good with ${code}`);
      this.#drop();
      this.#again(this.#options.random.between(20, 200));
    });
  }

  #keepCookies(set: readonly string[]): void {
    if (set.length > 0) this.#cookies = set.map((cookie) => cookie.split(';', 1)[0]!).join('; ');
  }

  #receive(frame: ServerFrame): void {
    this.heardAt = performance.now();
    switch (frame.type) {
      case 'welcome':
        this.nodes.push(frame.node);
        return this.#follow();
      case 'draining':
        // Comes back when it was told to, and leaves the old connection then.
        if (!this.#options.lingers) this.#again(frame.reconnectInMs);
        return;
      case 'ok':
      case 'error':
        return this.#answered(frame);
      default:
        if (isOfTheConversation(frame)) this.screen.apply(frame);
    }
  }

  #follow(): void {
    this.screen.asked();
    this.#socket?.send(JSON.stringify({ type: 'follow', id: 'follow', conversationId: this.conversationId, cursor: this.screen.cursor }));
  }

  #answered(answer: Answer): void {
    if (answer.type === 'error') this.errors.push(answer);
    const id = String(answer.id);
    if (id === 'follow' && answer.type === 'error') {
      if (!answer.retryable) return this.screen.violate(`follow was refused: ${answer.code}`);
      this.#again(answer.retryAfterMs ?? this.#options.random.between(50, 250));
    }
    this.#answers.get(id)?.(answer);
    this.#answers.delete(id);
  }

  #again(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#drop();
      this.#connect();
    }, ms);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.screen.phase = 'idle';
    socket?.terminate();
    this.#answers.forEach((resolve) => resolve(null));
    this.#answers.clear();
  }

  /** A gateway that is paused or gone without a word is noticed by its silence. */
  #watchSilence(): void {
    if (this.#stalled || this.#socket?.readyState !== WebSocket.OPEN) return;
    const silentMs = performance.now() - this.heardAt;
    if (silentMs > (this.#options.silenceMs ?? 3_000)) return this.#again(0);
    if (silentMs >= PING_MS) this.#socket.send('{"type":"ping","t":0}');
  }
}
