import { WebSocket } from 'ws';
import type { Random } from '../random.ts';
import { waitFor } from '../wait.ts';

const LOG_EVENTS = new Set(['message', 'message-deleted', 'run-started', 'chunk', 'run-moved', 'run-ended', 'title', 'typing']);
const ANSWER_MS = 20_000;
const PIECE_MS = 1_500;

/** A person with an account of their own, an open socket, and ids of somebody else's. Keeps every byte that reaches them. */
export class Stranger {
  readonly userId: string;
  readonly random: Random;
  readonly #origin: () => string;
  readonly #sockets: WebSocket[] = [];
  readonly #streams: AbortController[] = [];
  /** Everything that came by sockets and event streams. */
  readonly heard: string[] = [];

  constructor(userId: string, origin: () => string, random: Random) {
    this.userId = userId;
    this.#origin = origin;
    this.random = random;
  }

  /** Events of the log that reached this person's standing sockets and streams; a stranger's should be none. */
  get logEvents(): string[] {
    return this.heard.filter((text) => {
      const type = /^\{"type":"([a-z-]+)"/.exec(text)?.[1];
      return type !== undefined && LOG_EVENTS.has(type);
    });
  }

  /** One HTTP call; the body of the answer as text, with its status in front. */
  async http(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<string> {
    const separator = path.includes('?') ? '&' : '?';
    const response = await fetch(`${this.#origin()}${path}${separator}user_id=${this.userId}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return `${response.status} ${await response.text()}`;
  }

  /** As `http`, of an answer that may never end: what came of it in the first seconds. */
  async piece(method: string, path: string, body?: unknown): Promise<string> {
    const separator = path.includes('?') ? '&' : '?';
    const abort = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`${this.#origin()}${path}${separator}user_id=${this.userId}`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      signal: abort,
    });
    let text = '';
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    const enough = setTimeout(() => void reader?.cancel().catch(() => undefined), PIECE_MS);
    for (let part; reader && !(part = await reader.read()).done;) text += decoder.decode(part.value, { stream: true });
    clearTimeout(enough);
    return `${response.status} ${text}`;
  }

  /** A socket of its own for one frame; resolves with the frames up to its answer. */
  async frame(frame: Record<string, unknown>, { stay = false } = {}): Promise<string> {
    const socket = new WebSocket(`${this.#origin().replace('http', 'ws')}/ws/chat?user_id=${this.userId}`, 'runnel.v1');
    const frames: string[] = [];
    let answered = false;
    socket.on('error', () => (answered = true));
    socket.on('close', () => (answered = true));
    socket.on('open', () => socket.send('{"type":"hello","protocol":1}'));
    socket.on('message', (data) => {
      const text = String(data);
      frames.push(text);
      this.heard.push(text);
      const { type, id } = JSON.parse(text) as { type: string; id?: string };
      if (type === 'welcome') socket.send(JSON.stringify({ id: 'asked', ...frame }));
      if (id === 'asked') answered = true;
    });
    this.#sockets.push(socket);
    await waitFor(() => answered, { deadlineMs: ANSWER_MS, what: `an answer to ${String(frame['type'])}` });
    if (!stay) socket.close();
    return frames.join('\n');
  }

  /** An event stream that stays open; what it says is in `heard`. Resolves once it was answered. */
  async stream(path: string, headers: Record<string, string> = {}): Promise<string> {
    const abort = new AbortController();
    this.#streams.push(abort);
    const response = await fetch(`${this.#origin()}${path}?user_id=${this.userId}`, { headers, signal: abort.signal });
    if (!response.ok) return `${response.status} ${await response.text()}`;
    void this.#listen(response);
    return String(response.status);
  }

  async #listen(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of response.body!) {
        const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.startsWith('data: ')) this.heard.push(line.slice(6));
      }
    } catch {
      // Closed by us or by the gateway: what came before counts.
    }
  }

  leave(): void {
    for (const socket of this.#sockets) socket.terminate();
    for (const stream of this.#streams) stream.abort();
  }
}
