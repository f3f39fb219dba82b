/**
 * The fallback where no WebSocket can be had: frames become HTTP commands, each followed conversation is one SSE response read
 * by `fetch` (an EventSource could not send a token). Behind the same interface, so that nobody else sees a difference.
 */
import type { Me } from '@runnel/protocol/http';
import { CLOSE, DEFAULT_LIMITS, PROTOCOL_VERSION, RunnelError, formatCursor, toRunnelError } from '@runnel/protocol';
import type { ClientFrame, ClientFrameOf, FrameId, OkEvent } from '@runnel/protocol';
import type { Api } from '../api/api.ts';
import type { Clock } from '../clock.ts';
import { createSseParser } from './sse-parser.ts';
import { ABNORMAL, parseEvent, type OpenTransport, type TransportListener } from './transport.ts';

/** As the server's own heartbeat (W-3); a response without a byte, comments included, for three of them is dead. */
const HEARTBEAT_MS = 20_000;
const SILENCE_MS = 3 * HEARTBEAT_MS;

type Follow = ClientFrameOf<'follow'>;

export const openSse =
  (api: Api, clock: Clock): OpenTransport =>
  (listener) => {
    const responses = new Map<string, AbortController>();
    let done = false;
    const close = (): void => {
      done = true;
      for (const response of responses.values()) response.abort();
      responses.clear();
    };
    const fail = (code: number): void => {
      if (done) return;
      close();
      listener.closed(code);
    };

    const answer = (id: FrameId | undefined, run: () => Promise<Partial<OkEvent>>): void => {
      const echo = id === undefined ? {} : { id };
      void run().then(
        (fields) => done || listener.event({ ...fields, type: 'ok', ...echo }),
        (error: unknown) => {
          if (done) return;
          // Nobody answered: the connection is down, and what is open is sent again by the next one.
          if (isNetworkFault(error)) return fail(ABNORMAL);
          if (isUnauthorized(error)) return fail(CLOSE.auth);
          listener.event({ type: 'error', ...echo, ...toRunnelError(error).toFields() });
        },
      );
    };

    const hello = async (): Promise<void> => {
      try {
        // Shows whether the gateway is there and takes this client, and who that is: prompts are kept by user.
        const { userId } = await api.get<Pick<Me, 'userId'>>('/api/me', { userId: 'string' });
        const limits = { ...DEFAULT_LIMITS, promptsPerMinute: 0 };
        if (!done)
          listener.event({
            type: 'welcome',
            protocol: PROTOCOL_VERSION,
            node: '',
            userId,
            heartbeatMs: HEARTBEAT_MS,
            limits,
          });
      } catch (error) {
        fail(closeCodeOf(toRunnelError(error)));
      }
    };

    const follow = async (frame: Follow): Promise<Partial<OkEvent>> => {
      responses.get(frame.conversationId)?.abort();
      const abort = new AbortController();
      responses.set(frame.conversationId, abort);
      const call = {
        accept: 'text/event-stream',
        signal: abort.signal,
        query: { cursor: frame.cursor?.logId ? formatCursor(frame.cursor) : undefined },
      };
      const response = await api.open(`/api/conversations/${frame.conversationId}/events`, call).catch((error: unknown) => {
        if (abort.signal.aborted) return null; // unfollowed meanwhile: that is no fault of the network
        throw error;
      });
      if (response) void readEvents(response, abort, listener, clock).then(() => abort.signal.aborted || fail(ABNORMAL));
      return {};
    };

    const unfollow = (conversationId: string): void => {
      responses.get(conversationId)?.abort();
      responses.delete(conversationId);
    };

    const perform = (frame: ClientFrame): void => {
      switch (frame.type) {
        case 'hello':
          return void hello();
        case 'ping':
          return answerPing(api, listener, () => fail(CLOSE.heartbeat));
        case 'follow':
          return answer(frame.id, () => follow(frame));
        case 'unfollow':
          unfollow(frame.conversationId);
          return answer(frame.id, async () => ({}));
        case 'typing': // a nicety without an HTTP call
          return answer(frame.id, async () => ({}));
        case 'prompt':
          return answer(frame.id, () => api.command('POST', '/api/chat', bodyOf(frame)));
        case 'regenerate':
          return answer(frame.id, () => api.command('POST', '/api/regenerate', bodyOf(frame)));
        case 'cancel':
          return answer(frame.id, () => api.command('POST', '/api/cancel', bodyOf(frame)));
        case 'decide':
          return answer(frame.id, () => api.command('POST', '/api/decide', bodyOf(frame)));
        case 'delete':
          return answer(frame.id, () => api.command('DELETE', `/api/history/${frame.conversationId}/${frame.messageId}`));
        default:
          frame satisfies never;
      }
    };
    queueMicrotask(() => done || listener.open());
    return {
      send(frame) {
        if (!done) perform(frame);
        return !done;
      },
      close,
    };
  };

const bodyOf = ({ type: _type, id: _id, ...body }: ClientFrame): object => body;

const isNetworkFault = (error: unknown): boolean =>
  error instanceof RunnelError && error.code === 'unavailable' && error.cause !== undefined;

/** As a socket whose token has expired. */
const isUnauthorized = (error: unknown): boolean =>
  error instanceof RunnelError && (error.code === 'unauthorized' || error.code === 'token-expired');

const closeCodeOf = (error: RunnelError): number => {
  if (isUnauthorized(error)) return CLOSE.auth;
  return error.code === 'forbidden' ? CLOSE.forbidden : ABNORMAL;
};

const answerPing = (api: Api, listener: TransportListener, dead: () => void): void =>
  void api.listConversations({ limit: 1 }).then(
    () => listener.traffic(),
    (error: unknown) => (isNetworkFault(error) ? dead() : listener.traffic()),
  );

/** Reads one response to its end, to its failure or until it has been silent for too long. */
const readEvents = async (response: Response, abort: AbortController, listener: TransportListener, clock: Clock): Promise<void> => {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const parse = createSseParser();
  let silence = (): void => undefined;
  try {
    for (;;) {
      silence = clock.after(SILENCE_MS, () => void reader.cancel());
      const { done, value } = await reader.read();
      silence();
      if (done || abort.signal.aborted) return;
      listener.traffic();
      for (const { data } of parse(value)) {
        if (abort.signal.aborted) return;
        const event = parseEvent(data);
        if (event) listener.event(event);
      }
    }
  } catch {
    // Broken off or aborted: either way there is nothing more to read, and the caller knows which.
  } finally {
    silence();
  }
};
