import { RunnelError, type ErrorCode, type OkEvent, type Part } from '@runnel/protocol';
import type { ConversationPage, ConversationSummary, ForkAnswer, MessagePage, ModelInfo, SignInWay } from '@runnel/protocol/http';
import { addressOf } from './address.ts';
import { readBody, type Fields } from './body.ts';
import type { Clock } from '../clock.ts';
import type { Credentials } from '../connection/credentials.ts';
import { errorFromWire, type ErrorFields } from './errors.ts';

export type { ConversationPage, ConversationSummary, MessagePage, ModelInfo, SignInWay };

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface CallOptions {
  method?: string;
  body?: unknown;
  query?: Record<string, string | number | undefined>;
  accept?: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/** HTTP calls to any gateway. Every one rejects with RunnelError: the server's, or `unavailable` when none could be reached. */
export interface Api {
  models(): Promise<ModelInfo[]>;
  /** `pinned: 'first'`: the first page begins with what is pinned, beyond its limit. Without those that are archived, unless they or a folder alone are asked for. */
  listConversations(page?: {
    after?: string;
    limit?: number;
    pinned?: 'first';
    archived?: 'true';
    folder?: string;
  }): Promise<ConversationPage>;
  /** To another place in the person's own list. */
  place(conversationId: string, place: { pinned?: boolean; archived?: boolean; folder?: string | null }): Promise<void>;
  rename(conversationId: string, title: string): Promise<void>;
  deleteConversation(conversationId: string): Promise<void>;
  /** A new conversation with the messages up to one; the caller makes its id, and the same call again makes no other. */
  forkConversation(conversationId: string, target: { conversationId: string; messageId: string }): Promise<ForkAnswer>;
  history(conversationId: string, page?: { before?: string; limit?: number }): Promise<MessagePage>;
  /** A part with all that was streamed of it: messages carry only the beginnings of long ones (`truncated`). */
  part(conversationId: string, partId: string): Promise<Part>;
  /** Needs no identity. */
  signInWay(): Promise<SignInWay>;
  /** Ends the session of this browser. Where to sign out of the identity provider; null: nowhere, or there was none. */
  signOut(): Promise<string | null>;
  /** A command whose answer has the fields of an `ok` frame. */
  command(method: string, path: string, body?: unknown): Promise<Partial<OkEvent>>;
  /** What is not read only; its answer has these fields. */
  call<T extends object>(method: string, path: string, body: unknown, fields: Fields<T>): Promise<T>;
  get<T extends object>(path: string, fields: Fields<T>, query?: CallOptions['query'], signal?: AbortSignal): Promise<T>;
  /** The response with its body unread, status 2xx; without a deadline on the body. */
  open(path: string, options?: CallOptions): Promise<Response>;
}

export const CALL_DEADLINE_MS = 15_000;

/** What a status means when its body does not say (a proxy answered). */
const codeOfStatus = (status: number): ErrorCode => {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 413) return 'too-long';
  if (status === 429) return 'rate-limited';
  if (status === 502 || status === 503 || status === 504) return 'unavailable';
  return status < 500 ? 'bad-frame' : 'internal';
};

const errorOf = async (response: Response): Promise<RunnelError> => {
  const fields = (await response.json().catch(() => null)) as ErrorFields | null;
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
  const hint = Number.isFinite(retryAfterS) ? { retryAfterMs: retryAfterS * 1000 } : {};
  return errorFromWire({ ...hint, ...(typeof fields === 'object' ? fields : null) }, codeOfStatus(response.status));
};

const path = (...parts: string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;

export const createApi = (options: { url: string; fetch: Fetch; credentials: Credentials; clock: Clock; userId?: string }): Api => {
  const { fetch, credentials, clock } = options;

  const request = async (target: string, call: CallOptions, token: string | undefined, signal: AbortSignal): Promise<Response> => {
    const url = addressOf(options.url, target);
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    if (options.userId !== undefined) url.searchParams.set('user_id', options.userId);
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json', ...call.headers };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    try {
      return await fetch(url.href, {
        method: call.method ?? 'GET',
        headers,
        signal,
        cache: 'no-store',
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      });
    } catch (cause) {
      throw new RunnelError('unavailable', 'The server could not be reached.', { cause });
    }
  };

  /** A 401 may be an expired token: one more try with a fresh one. */
  const send = async (target: string, call: CallOptions, signal: AbortSignal): Promise<Response> => {
    const token = await credentials.get();
    const response = await request(target, call, token, signal);
    if (response.status !== 401 || token === undefined) return response;
    await response.body?.cancel();
    return request(target, call, await credentials.refresh(), signal);
  };

  const open = async (target: string, call: CallOptions = {}): Promise<Response> => {
    const late = new AbortController();
    const cancel = clock.after(CALL_DEADLINE_MS, () => late.abort());
    try {
      const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal;
      const response = await send(target, call, signal);
      if (response.ok) return response;
      throw await errorOf(response);
    } finally {
      cancel();
    }
  };

  const json = async (target: string, call: CallOptions = {}): Promise<unknown> => {
    const late = new AbortController();
    const cancel = clock.after(CALL_DEADLINE_MS, () => late.abort());
    try {
      const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal;
      const response = await open(target, { ...call, signal });
      const text = await response.text();
      return text === '' ? {} : (JSON.parse(text) as unknown);
    } catch (error) {
      throw error instanceof RunnelError ? error : new RunnelError('unavailable', 'The answer broke off.', { cause: error });
    } finally {
      cancel();
    }
  };

  const get: Api['get'] = async (target, fields, query, signal) =>
    readBody(await json(target, { ...(query && { query }), ...(signal && { signal }) }), fields);

  const call: Api['call'] = async (method, target, body, fields) => readBody(await json(target, { method, body }), fields);

  const change = async (id: string, body: object): Promise<void> =>
    void (await json(path('api', 'conversations', id), { method: 'PATCH', body }));
  return {
    open,
    models: async () => (await get<{ models: ModelInfo[] }>('/api/models', { models: 'array' })).models,
    listConversations: (page = {}) => get('/api/conversations', { conversations: 'array', hasMore: 'boolean' }, page),
    place: change,
    rename: (id, title) => change(id, { title }),
    deleteConversation: async (id) => void (await json(path('api', 'history', id), { method: 'DELETE' })),
    forkConversation: (id, target) =>
      call('POST', path('api', 'conversations', id, 'fork'), target, { conversationId: 'string', outcome: 'string' }),
    history: (id, page = {}) => get(path('api', 'history', id), { messages: 'array', hasMore: 'boolean' }, page),
    part: (id, partId) =>
      get<Part>(path('api', 'conversations', id, 'parts', partId), {
        ...({ partId: 'string', index: 'number', at: 'number', kind: 'string', state: 'string' } as const),
      }),
    signInWay: () => get('/api/sign-in', { mode: 'string' }),
    async signOut() {
      const { url } = readBody<{ url: string | null }>(await json('/api/sign-out', { method: 'POST' }), {});
      return url ?? null;
    },
    get,
    call,
    command: (method, target, body) => call<Partial<OkEvent>>(method, target, body, {}),
  };
};
