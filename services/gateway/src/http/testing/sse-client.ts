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

  constructor(response: Response, abort: AbortController) {
    this.#abort = abort;
    void this.#read(response).finally(() => (this.ended = true));
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200) throw Object.assign(new Error(`status ${response.status}`), { body: await response.json() });
    return new SseClient(response, abort);
  }

  next(type: string, match: (data: never) => boolean = () => true): Promise<SseEvent> {
    const find = () => this.events.find((event) => event.type === type && match(event.data as never));
    return waitFor(find, { deadlineMs: 3000, everyMs: 5, what: `a ${type} event` });
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    let rest = '';
    try {
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
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
