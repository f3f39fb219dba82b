import {
  createStore,
  type Client,
  type ConnectionState,
  type ConversationHandle,
  type ConversationSummary,
  type ConversationView,
  type SignInWay,
  type WritableStore,
} from '@runnel/client';
import { emptyConversation, newId, RunnelError, type ListEvent, type Message } from '@runnel/protocol';
import { createFakeAccount } from './fake-account.ts';
import { createFakeArchive } from './fake-archive.ts';
import { createFakePerson, type FakePerson } from './fake-person.ts';

/** A client without a server: a test puts any state into its stores and sees what the page makes of it. */
export interface FakeClient extends Client {
  readonly connection: WritableStore<ConnectionState>;
  readonly list: ConversationSummary[];
  /** The server tells of something that another device did. */
  hear(event: ListEvent): void;
  /** What the next decisions are answered with; `decided` when there is none left. */
  readonly outcomes: ('decided' | 'already-decided' | 'stale')[];
  /** What the page asked for, in order: `prompt hello`, `cancel`, … */
  readonly calls: string[];
  /** What the server keeps of the reader; a test may change it, and let it fail. */
  readonly kept: FakePerson;
  view(id: string): WritableStore<ConversationView>;
  /** What `/api/me` says; read when the page starts. */
  readonly rights: { admin: boolean; audit: boolean; role?: 'auditor'; copies?: false };
  /** What `/api/sign-in` says. */
  readonly way: SignInWay;
  /** Changes a part of a conversation's view. */
  change(id: string, part: Partial<ConversationView>): void;
}

export const liveConnection = (): ConnectionState => ({
  ...{ status: 'live', transport: 'ws', attempt: 0, node: 'gateway-2', userId: 'guest', error: null, since: 0, retryAt: null },
  limits: { textChars: 5_000, frameBytes: 65_536, promptsPerMinute: 100 },
});

export const emptyView = (id: string): ConversationView => ({
  ...{ conversation: emptyConversation(id), sync: 'live', lastResume: null, verified: 'unknown', mismatches: 0 },
  ...{ pending: [], typing: [], presence: [], devices: 1, place: null, problem: null },
});

export const message = (role: Message['role'], text: string, change: Partial<Message> = {}): Message => ({
  ...{ messageId: newId(), parentId: null, role, text, status: 'complete', createdAt: Date.now() },
  ...(role === 'assistant' && { model: 'demo' }),
  ...change,
});

/** Messages that answer each other, from the first. */
export const chain = (messages: readonly Message[]): Message[] =>
  messages.map((m, i) => ({ ...m, parentId: messages[i - 1]?.messageId ?? null }));

export const createFakeClient = (): FakeClient => {
  const views = new Map<string, WritableStore<ConversationView>>();
  const calls: string[] = [];
  const outcomes: FakeClient['outcomes'] = [];
  const list: ConversationSummary[] = [];
  const hearers = new Set<(event: ListEvent) => void>();
  const rights: FakeClient['rights'] = { admin: false, audit: true };
  const kept = createFakePerson(calls, list);
  const way: SignInWay = { mode: 'jwt', url: null };
  const view: FakeClient['view'] = (id) => {
    let store = views.get(id);
    if (!store) views.set(id, (store = createStore(emptyView(id))));
    return store;
  };
  const change: FakeClient['change'] = (id, part) => view(id).set({ ...view(id).get(), ...part });

  const conversation = (id: string): ConversationHandle => ({
    id,
    state: view(id),
    prompt(text, options) {
      calls.push(`prompt ${text}`);
      const ids = { messageId: newId(), runId: newId() };
      const pending = { ...ids, conversationId: id, text, status: 'queued' as const, error: null, createdAt: Date.now(), ...options };
      change(id, { pending: [...view(id).get().pending, pending] });
      return ids;
    },
    answer() {
      throw new Error('the page reads views');
    },
    retry: (messageId) => void calls.push(`retry ${messageId}`),
    discard: (messageId) => void calls.push(`discard ${messageId}`),
    async regenerate(parentId, { model } = {}) {
      calls.push(['regenerate', parentId, model].filter((word) => word !== undefined).join(' '));
      return { runId: newId() };
    },
    cancel: async () => (calls.push('cancel'), 'cancelling'),
    async decide(part, decision, text) {
      calls.push(['decide', part.partId, decision, part.input, text].filter((word) => word !== undefined && word !== '').join(' '));
      return outcomes.shift() ?? 'decided';
    },
    deleteMessage: async (messageId) => void calls.push(`delete ${messageId}`),
    setTyping: () => undefined,
    async loadOlder() {
      calls.push('older');
      const { conversation: now } = view(id).get();
      const older = chain(
        Array.from({ length: 24 }, (_, i) => message(i % 2 ? 'assistant' : 'user', `Older ${i + 1}`, { messageId: `older-${i + 1}` })),
      );
      const [first, ...rest] = now.messages;
      const messages = first ? [...older, { ...first, parentId: older.at(-1)!.messageId }, ...rest] : older;
      change(id, { conversation: { ...now, messages, hasMore: false } });
    },
    close: () => undefined,
  });

  return {
    connection: createStore(liveConnection()),
    account: createFakeAccount(calls),
    ...{ list, calls, outcomes, rights, way, view, change, conversation, kept },
    person: kept.person,
    archive: createFakeArchive(calls, rights),
    reconnect: () => void calls.push('reconnect'),
    onList: (listener) => {
      hearers.add(listener);
      return () => void hearers.delete(listener);
    },
    hear: (event) => {
      for (const hear of hearers) hear(event);
    },
    close: () => undefined,
    models: async () => [
      { id: 'demo', name: 'Demo', provider: 'demo', canContinue: true, default: true },
      { id: 'count', name: 'Count', provider: 'count', canContinue: true },
      { id: 'smol', name: 'SmolLM2 135M', provider: 'local', canContinue: true, price: { input: 0.15, output: 0.6 } },
    ],
    listConversations: async ({ folder } = {}) => ({
      conversations: list.filter((item) => folder === undefined || item.folder === folder),
      hasMore: false,
    }),
    place: kept.place,
    rename: async (id, title) => void calls.push(`rename ${id} ${title}`),
    deleteConversation: kept.deleteConversation,
    forkConversation: async (id, { conversationId, messageId }) => {
      calls.push(`fork ${id} ${messageId}`);
      return { conversationId, outcome: 'forked' };
    },
    files: {
      read: async () => new Blob(['a file'], { type: 'text/plain' }),
      preview: async () => Promise.reject(new RunnelError('not-found')),
      remove: async (fileId) => void calls.push(`remove file ${fileId}`),
    },
    signInWay: async () => ({ ...way }),
    signOut: async () => null,
    history: async () => ({ messages: [], hasMore: false }),
    part: async (_id, partId) => ({ partId, index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'whole' }),
  };
};
