import { isId, RunnelError, type ConversationState, type ListEvent, type ServerEvent } from '@runnel/protocol';
import { createAccount, type Account } from './api/account.ts';
import { addressOf } from './api/address.ts';
import { createApi, type Api, type Fetch } from './api/api.ts';
import { createArchive, type Archive } from './api/archive.ts';
import { createFiles, type Files } from './api/files.ts';
import { createPerson, type Person } from './api/person.ts';
import { systemClock, type Clock } from './clock.ts';
import { createConnection } from './connection/connection.ts';
import type { ConnectionState, TransportChoice } from './connection/connection-state.ts';
import { createConversation, type Conversation } from './conversation/conversation.ts';
import type { ConversationHandle, MismatchReport } from './conversation/conversation-handle.ts';
import { createCredentials, type TokenSource } from './connection/credentials.ts';
import { createPromptQueue } from './prompts/prompt-queue.ts';
import type { PromptStorage } from './prompts/prompt-storage.ts';
import { pageSignals, type PageSignals } from './connection/page-signals.ts';
import { createRequests } from './api/requests.ts';
import type { Store } from './store.ts';
import { openSse } from './transport/sse.ts';
import { openWebSocket, socketUrl, type WebSocketConstructor } from './transport/ws.ts';

export interface ClientOptions {
  /** Where any gateway is, or what stands before them: `https://chat.example`, or with its path prefix `https://example.org/tools/chat`. */
  url: string;
  /** The bearer token, or undefined for none; asked for at each connection and before the present one expires. */
  token?: TokenSource;
  /** Names the user where the server runs with `AUTH_MODE=dev`. */
  userId?: string;
  /** `auto` (default): WebSocket, and SSE where it cannot be had. */
  transport?: TransportChoice;
  /** Keeps unsent prompts over a reload, e.g. `localStorage`. Default: nowhere. */
  storage?: PromptStorage;
  /**
   * Names this page over its reloads, e.g. a random word in `sessionStorage`: a prompt written before anybody was known is then still its
   * own after a reload, and goes out. Without it, and in other pages, a person is asked first.
   */
  page?: string;
  /**
   * Who used this page last, where the device may say so: what they wrote and could not send is shown before a server has said who is here.
   * It goes out only when a server says the same.
   */
  reader?: string;
  /**
   * What this device has kept of a conversation (`ConversationView.conversation` of an earlier page). Asked when one is opened without a
   * connection; shown, and followed from there, unless a server was asked meanwhile. It is the caller's to give nobody what is another's.
   */
  kept?: (conversationId: string) => Promise<ConversationState | null>;
  /** Called when a screen did not match the log and is being replaced (W-10). */
  onMismatch?: (report: MismatchReport) => void;
  /** Named in `hello`, for the server's log. */
  name?: string;
  /** Whether the server shall tell what happens to the person's list of conversations, and to what they set (`onList`). */
  list?: boolean;
  clock?: Clock;
  /** In [0, 1), for jitter. */
  random?: () => number;
  signals?: PageSignals;
  fetch?: Fetch;
  WebSocket?: WebSocketConstructor;
}

export interface Client extends Pick<
  Api,
  | 'models'
  | 'listConversations'
  | 'place'
  | 'rename'
  | 'deleteConversation'
  | 'forkConversation'
  | 'history'
  | 'part'
  | 'signInWay'
  | 'signOut'
> {
  readonly connection: Store<ConnectionState>;
  /** Search, replay and the trail. */
  readonly archive: Archive;
  readonly files: Files;
  /**
   * Tells of hints about the person's list, from any device, until the returned function is called. Only with `list`, over a WebSocket, and best
   * effort: read the list again with each connection.
   */
  onList(listener: (event: ListEvent) => void): () => void;
  /** Keys for programs, and sessions. */
  readonly account: Account;
  /** What the person sets for themselves: thumbs, prompts, settings; and all that is kept of them. */
  readonly person: Person;
  /** Follows the conversation until every handle on it is closed. Throws `bad-frame` for what is no id. */
  conversation(id: string): ConversationHandle;
  /** Tries to connect now, also after a refusal: when somebody has signed in, the token source is asked again. */
  reconnect(): void;
  /** For good: open commands are rejected, unsent prompts stay in the storage. */
  close(): void;
}

/** Closed conversations whose text is kept in memory, so that coming back costs a tail instead of a snapshot. */
const MAX_IDLE_CONVERSATIONS = 20;

export const createClient = (options: ClientOptions): Client => {
  const { clock = systemClock, random = Math.random, userId } = options;
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const WebSocketClass = options.WebSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
  const who = userId === undefined ? {} : { userId };
  const credentials = createCredentials(clock, options.token);
  const api = createApi({ url: options.url, fetch, credentials, clock, ...who });

  const sse = openSse(api, clock);
  const connection = createConnection({
    transports: { sse, ws: WebSocketClass ? openWebSocket(WebSocketClass, socketUrl(options.url, userId)) : sse },
    choice: WebSocketClass ? (options.transport ?? 'auto') : 'sse',
    credentials,
    clock,
    random,
    signals: options.signals ?? pageSignals,
    ...who,
    ...(options.name !== undefined && { client: options.name }),
    ...(options.list && { list: true }),
  });
  const requests = createRequests({ transmit: connection.send, clock });
  const queue = createPromptQueue({
    send: (command) => requests.send(command),
    isLive: connection.isLive,
    clock,
    random,
    ...who,
    ...(options.page !== undefined && { page: options.page }),
    ...(options.reader !== undefined && { reader: options.reader }),
    ...(options.storage && { storage: options.storage, path: addressOf(options.url, '/').pathname }),
  });

  const listListeners = new Set<(event: ListEvent) => void>();
  /** In order of last use. */
  const conversations = new Map<string, Conversation>();
  const forgetOldest = (): void => {
    const idle = [...conversations].filter(([, conversation]) => !conversation.isOpen());
    for (const [id] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE_CONVERSATIONS))) conversations.delete(id);
  };
  const deps = {
    connection,
    requests,
    queue,
    api,
    clock,
    random,
    ...(options.onMismatch && { onMismatch: options.onMismatch }),
    ...(options.kept && { kept: options.kept }),
  };

  /** The user of the last `welcome`. When another user signs in on the same page, open requests and cached conversations are dropped. */
  let lastUserId: string | null = null;
  const noteUser = (user: string | null): void => {
    if (lastUserId !== null && user !== lastUserId) {
      requests.forget();
      for (const [id, conversation] of [...conversations]) if (!conversation.isOpen()) conversations.delete(id);
    }
    lastUserId = user ?? lastUserId;
  };

  queue.subscribe((id) => {
    const conversation = conversations.get(id);
    conversation?.refreshPending();
    if (conversation?.isOpen()) return;
    // No handle is open, so a sent prompt is not shown any more.
    for (const prompt of queue.pending(id)) if (prompt.status === 'sent') queue.drop(prompt.messageId);
  });
  connection.state.subscribe(({ status }) => status === 'refused' && queue.refused());
  connection.listen({
    live() {
      noteUser(connection.state.get().userId);
      // Send interrupted requests again before new follows: in the other order follows would be sent twice.
      requests.connected();
      for (const conversation of conversations.values()) conversation.connected();
      queue.connected(connection.state.get().userId);
    },
    down() {
      for (const conversation of conversations.values()) conversation.disconnected();
      requests.disconnected();
    },
    event(event: ServerEvent) {
      if (requests.settle(event)) return;
      if (event.type === 'list') {
        for (const listener of listListeners) listener(event);
        return;
      }
      if ('conversationId' in event) conversations.get(event.conversationId)?.receive(event);
    },
  });

  return {
    connection: connection.state,
    archive: createArchive(api),
    files: createFiles(api),
    account: createAccount(api),
    person: createPerson(api),
    onList(listener) {
      listListeners.add(listener);
      return () => void listListeners.delete(listener);
    },
    conversation(id) {
      if (!isId(id)) throw new RunnelError('bad-frame', 'A conversation id has 1–64 of the characters A–Z, a–z, 0–9, _ and -.');
      const conversation = conversations.get(id) ?? createConversation(id, deps, forgetOldest);
      conversations.delete(id);
      conversations.set(id, conversation);
      return conversation.handle();
    },
    reconnect: connection.retry,
    close() {
      connection.close();
      for (const conversation of conversations.values()) conversation.dispose();
      queue.close();
      requests.close();
    },
    models: api.models,
    listConversations: api.listConversations,
    place: api.place,
    rename: api.rename,
    forkConversation: api.forkConversation,
    async deleteConversation(id) {
      // Before the answer: the empty snapshot may come first, and must not look like a loss.
      for (const { messageId } of queue.kept(id)) queue.over(messageId);
      await api.deleteConversation(id);
      // A prompt that still waits would make the conversation again.
      for (const { messageId } of queue.pending(id)) queue.drop(messageId);
    },
    history: api.history,
    part: api.part,
    signInWay: api.signInWay,
    signOut: api.signOut,
  };
};
