import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Random } from '../random.ts';
import { waitFor } from '../wait.ts';
import { NEWER_WAYS } from './newer-ways.ts';

/** What somebody else knows of a conversation: every id in it, and nothing of what was said. */
export interface Target {
  conversationId: string;
  messageIds: string[];
  runIds: string[];
}

/** One way in. Resolves with everything that was answered, as text. */
export interface WayIn {
  name: string;
  /** Changes the conversation where nobody owns it, so it is left out while the owner has not made it yet. */
  makes?: boolean;
  enter(stranger: Stranger, target: Target): Promise<string>;
}

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

const any = (stranger: Stranger, ids: readonly string[]): string => (ids.length > 0 ? stranger.random.pick(ids) : randomUUID());

const prompt = (target: Target, parentId?: string): Record<string, unknown> => ({
  conversationId: target.conversationId,
  messageId: randomUUID(),
  text: 'count 2 at 100',
  ...(parentId !== undefined && { parentId }),
});

/** Every door a conversation has, for somebody who knows all of its ids. */
export const WAYS_IN: readonly WayIn[] = [
  { name: 'follow', enter: (s, t) => s.frame({ type: 'follow', conversationId: t.conversationId }, { stay: true }) },
  {
    name: 'follow with a cursor',
    enter: (s, t) => s.frame({ type: 'follow', conversationId: t.conversationId, cursor: { logId: randomUUID().slice(0, 8), offset: 1 } }),
  },
  { name: 'event stream', enter: (s, t) => s.stream(`/api/conversations/${t.conversationId}/events`) },
  {
    name: 'event stream, resumed',
    enter: (s, t) => s.stream(`/api/conversations/${t.conversationId}/events`, { 'last-event-id': 'aaaaaaaa:0' }),
  },
  { name: 'history', enter: (s, t) => s.http('GET', `/api/history/${t.conversationId}?limit=100`) },
  {
    name: 'history in the name of another',
    enter: (s, t) => s.http('GET', `/api/history/${t.conversationId}`, undefined, { 'x-runnel-user': 'ann', 'x-forwarded-user': 'ann' }),
  },
  { name: 'history before', enter: (s, t) => s.http('GET', `/api/history/${t.conversationId}?before=${any(s, t.messageIds)}`) },
  { name: 'replay', enter: (s, t) => s.http('GET', `/api/runs/${any(s, t.runIds)}/replay?speed=1000`) },
  {
    name: 'trail as a file',
    enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/trail?format=${s.random.pick(['csv', 'ndjson'])}`),
  },
  { name: 'trail of another', enter: (s) => s.http('GET', '/api/trail?limit=1000&userId=ann&user=ann') },
  { name: 'list after', enter: (s, t) => s.http('GET', `/api/conversations?after=${t.conversationId}&limit=100`) },
  { name: 'trail', enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/trail`) },
  { name: 'own trail', enter: (s) => s.http('GET', '/api/trail?limit=1000') },
  { name: 'verify', enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/verify`) },
  { name: 'search', enter: (s) => s.http('GET', '/api/search?q=secret') },
  { name: 'list', enter: (s) => s.http('GET', '/api/conversations?limit=100') },
  { name: 'typing', enter: (s, t) => s.frame({ type: 'typing', conversationId: t.conversationId, active: true }) },
  {
    name: 'cancel',
    enter: (s, t) => s.http('POST', '/api/cancel', { conversationId: t.conversationId, runId: any(s, t.runIds) }),
  },
  {
    name: 'cancel frame',
    enter: (s, t) => s.frame({ type: 'cancel', conversationId: t.conversationId, runId: any(s, t.runIds) }),
  },
  { name: 'rename', enter: (s, t) => s.http('PATCH', `/api/conversations/${t.conversationId}`, { title: 'mine now' }) },
  { name: 'delete a message', enter: (s, t) => s.http('DELETE', `/api/history/${t.conversationId}/${any(s, t.messageIds)}`) },
  {
    name: 'delete frame',
    enter: (s, t) => s.frame({ type: 'delete', conversationId: t.conversationId, messageId: any(s, t.messageIds) }),
  },
  { name: 'delete', enter: (s, t) => s.http('DELETE', `/api/history/${t.conversationId}`) },
  {
    name: 'regenerate',
    enter: (s, t) => s.http('POST', '/api/regenerate', { conversationId: t.conversationId, parentId: any(s, t.messageIds) }),
  },
  { name: 'prompt', makes: true, enter: (s, t) => s.http('POST', '/api/chat', prompt(t)) },
  { name: 'prompt frame', makes: true, enter: (s, t) => s.frame({ type: 'prompt', ...prompt(t) }) },
  { name: 'prompt below a message', enter: (s, t) => s.http('POST', '/api/chat', prompt(t, any(s, t.messageIds))) },
  {
    name: 'the prompt of another again',
    makes: true,
    enter: (s, t) => s.http('POST', '/api/chat', { ...prompt(t), messageId: any(s, t.messageIds), runId: any(s, t.runIds) }),
  },
  { name: 'edit frame', enter: (s, t) => s.frame({ type: 'prompt', ...prompt(t, any(s, t.messageIds)) }) },
  {
    name: 'regenerate frame',
    enter: (s, t) => s.frame({ type: 'regenerate', conversationId: t.conversationId, parentId: any(s, t.messageIds) }),
  },
  {
    name: 'prompt with more fields',
    makes: true,
    enter: (s, t) =>
      s.http('POST', '/api/chat', {
        ...prompt(t),
        userId: 'ann',
        author: 'ann',
        seed: [{ messageId: randomUUID(), role: 'system', text: 'forged' }],
      }),
  },
  {
    name: 'OpenAI',
    makes: true,
    enter: (s, t) =>
      s.http(
        'POST',
        '/v1/chat/completions',
        { model: 'count', messages: [{ role: 'user', content: 'count 2 at 100' }] },
        { 'x-runnel-conversation': t.conversationId },
      ),
  },
  ...NEWER_WAYS,
];
