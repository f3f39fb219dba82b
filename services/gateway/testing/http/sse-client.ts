import { request, type IncomingMessage } from 'node:http';
import { waitFor } from '@runnel/kit';
import type { ServerEvent } from '@runnel/protocol';

export interface SseEvent {
  id: string | undefined;
  type: string;
  data: ServerEvent;
}

/** One SSE response, read as an EventSource reads it. */
export class SseClient {
  readonly events: SseEvent[] = [];
  /** Lines that are no part of an event: comments and `retry`. */
  readonly others: string[] = [];
  /** What an EventSource would send as `Last-Event-ID`. */
  lastId = '';
  ended = false;
  readonly #abort: AbortController;

  constructor(text: AsyncIterable<string>, abort: AbortController) {
    this.#abort = abort;
    void this.#read(text).finally(() => (this.ended = true));
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200) throw Object.assign(new Error(`status ${response.status}`), { body: await response.json() });
    return new SseClient(response.body!.pipeThrough(new TextDecoderStream()), abort);
  }

  /** A reader that does not read until `wake` is called: what is sent meanwhile fills the sockets' buffers. */
  static async asleep(url: string): Promise<{ wake(): SseClient }> {
    const abort = new AbortController();
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      request(url, { signal: abort.signal }, resolve).on('error', reject).end(),
    );
    return { wake: () => new SseClient(response.setEncoding('utf8'), abort) };
  }

  next(type: string, match: (data: never) => boolean = () => true): Promise<SseEvent> {
    const find = () => this.events.find((event) => event.type === type && match(event.data as never));
    return waitFor(find, { deadlineMs: 3000, everyMs: 5, what: `a ${type} event` });
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(text: AsyncIterable<string>): Promise<void> {
    let rest = '';
    try {
      for await (const part of text) {
        rest += part;
        const blocks = rest.split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) this.#block(block.split('\n'));
      }
    } catch {
      // Closed by the test, or broken off by the server: the test looks at `ended`.
    }
  }

  #block(lines: string[]): void {
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [name, value = ''] = line.split(/: ?(.*)/s, 2) as [string, string?];
      if (name === '' || name === 'retry') this.others.push(line);
      else fields.set(name, value);
    }
    const id = fields.get('id');
    if (id !== undefined) this.lastId = id;
    const data = fields.get('data');
    if (data !== undefined) this.events.push({ id, type: fields.get('event') ?? 'message', data: JSON.parse(data) as ServerEvent });
  }
}
