import { get, type IncomingMessage } from 'node:http';
import { isOfTheConversation, type ServerFrame } from './events.ts';
import { Screen } from './screen.ts';
import type { Viewer, ViewerOptions } from './viewer.ts';

/** The same viewer over `GET /api/conversations/{id}/events`, resuming by `Last-Event-ID` as EventSource does. */
export class SseViewer implements Viewer {
  readonly name: string;
  readonly conversationId: string;
  readonly screen: Screen;
  readonly statuses: number[] = [];
  connects = 0;
  readonly #options: ViewerOptions;
  #response: IncomingMessage | null = null;
  #abort = new AbortController();
  #lastEventId = '';
  #closed = false;
  #stalled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ViewerOptions) {
    this.name = options.name;
    this.conversationId = options.conversationId;
    this.#options = options;
    this.screen = new Screen(options.name, options.conversationId, options.expected);
    this.#connect();
  }

  reload({ cursor }: { cursor: boolean }): void {
    if (!cursor) {
      this.screen.forget();
      this.#lastEventId = '';
    }
    this.#connect();
  }
  stall(): void {
    this.#stalled = true;
    this.#response?.pause();
  }
  unstall(): void {
    this.#stalled = false;
    this.#response?.resume();
  }
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
    const abort = (this.#abort = new AbortController());
    this.connects++;
    this.screen.asked();
    const url = `${this.#options.origin()}/api/conversations/${this.conversationId}/events?user_id=${this.#options.userId}`;
    const headers = { accept: 'text/event-stream', ...(this.#lastEventId && { 'last-event-id': this.#lastEventId }) };
    const again = (): void => {
      if (this.#abort === abort && !this.#closed) this.#again(this.#options.random.between(20, 200));
    };
    // No connection of a pool: a gateway that died must not hand its silence on.
    const request = get(url, { headers, signal: abort.signal, agent: false }, (response) => {
      this.statuses.push(response.statusCode ?? 0);
      response.on('close', again).on('error', again);
      if (response.statusCode !== 200) {
        if ((response.statusCode ?? 0) < 500 && response.statusCode !== 429) this.screen.violate(`SSE answered ${response.statusCode}`);
        return void response.resume();
      }
      this.#response = response;
      if (this.#stalled) response.pause();
      this.#read(response, abort);
    });
    request.setTimeout(this.#options.silenceMs ?? 30_000, () => request.destroy(new Error('silent')));
    request.on('error', again);
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), ms);
  }

  #read(response: IncomingMessage, abort: AbortController): void {
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) if (this.#abort === abort) this.#receive(block);
    });
  }

  #receive(block: string): void {
    const field = (name: string): string | undefined =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trimStart();
    const data = field('data');
    if (data === undefined) return;
    const event = JSON.parse(data) as ServerFrame;
    const named = field('event');
    if (named !== event.type) this.screen.violate(`event: ${named} carries a ${event.type}`);
    if (event.type === 'draining') return this.#again(event.reconnectInMs);
    if (isOfTheConversation(event)) {
      this.screen.apply(event);
      this.#checkId(field('id'));
    }
  }

  /** `id:` is the cursor after the event, so that any EventSource resumes where this screen stands. */
  #checkId(id: string | undefined): void {
    if (id === undefined) return;
    this.#lastEventId = id;
    const cursor = this.screen.cursor;
    if (cursor && id !== `${cursor.logId}:${cursor.offset}`) this.screen.violate(`id ${id} at ${cursor.logId}:${cursor.offset}`);
  }
}
