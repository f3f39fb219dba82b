import { createParser } from 'eventsource-parser';
import { RunnelError } from '@runnel/protocol';
import { Agent, ProxyAgent, request as httpRequest, type Dispatcher } from 'undici';
import { toModelError, UpstreamAnswer } from '../model-error.ts';
import type { ChatProvider, Delta, ModelRequest } from '../provider.ts';
import type { Codec, Decoder, RemoteSettings } from './codec.ts';
import { DeltaQueue } from './delta-queue.ts';
import { skipRepeatedBlanks } from './thread.ts';

/** Of an answer that is no stream: enough for a reason. */
const MOST_WORDS = 64 * 1024;
/** Of one event: no delta is that large. */
const MOST_EVENT = 8 * 1024 * 1024;
/** What may follow the last event and is read, so that the connection serves the next run. */
const MOST_REST = 16 * 1024;

/** A model behind HTTP that streams server-sent events. The watchdog bounds every wait, so nothing here has a deadline of its own. */
export const createRemoteProvider = (codec: Codec, settings: RemoteSettings): ChatProvider => {
  const { canContinue, apiKey, secretHeaders, proxy } = settings;
  const url = addressOf(settings, codec.path);
  const fixed = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    'accept-encoding': 'identity',
    ...settings.headers,
  };
  const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
  const agent = proxy === undefined ? new Agent(timeouts) : new ProxyAgent({ uri: proxy, ...timeouts });

  const open = async (request: ModelRequest, { key, secret }: Secrets, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> => {
    const body = JSON.stringify(codec.body(request));
    const headers = { ...codec.headers(key), ...(request.trace !== undefined && { traceparent: request.trace }), ...fixed, ...secret };
    const response = await httpRequest(url, { dispatcher: agent, method: 'POST', headers, body, signal });
    if (response.statusCode < 300) return response.body;
    const words = await readWords(response.body);
    throw new UpstreamAnswer(response.statusCode, words, response.headers);
  };

  return {
    canContinue,
    close: () => agent.destroy(),

    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
      const skip = skipRepeatedBlanks(request.prefix);
      const secrets: Secrets = { key: typeof apiKey === 'string' ? apiKey : undefined, secret: {} };
      try {
        if (typeof apiKey === 'function') secrets.key = await apiKey();
        if (secretHeaders) secrets.secret = await secretHeaders();
        const body = await open(request, secrets, signal);
        for await (const delta of readAnswer(body, codec.decoder(), request.onLife)) {
          yield 'text' in delta ? { text: skip(delta.text) } : delta;
        }
      } catch (error) {
        throw toModelError(
          error,
          [...(secrets.key === undefined ? [] : [secrets.key]), ...Object.values({ ...settings.headers, ...secrets.secret })],
          request.messages.flatMap(({ text, files = [] }) => [
            text,
            ...files.flatMap(({ content }) => (content?.kind === 'text' ? [content.text] : [])),
          ]),
        );
      }
    },
  };
};

/** What is asked for before each request. */
interface Secrets {
  key: string | undefined;
  secret: Readonly<Record<string, string>>;
}

/** Pure. */
const addressOf = ({ baseURL, query = {} }: Pick<RemoteSettings, 'baseURL' | 'query'>, path: string): string => {
  const url = new URL(baseURL);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
};

/** The deltas of a body, as they come. A body that ends without a reason to was cut. */
async function* readAnswer(body: Dispatcher.ResponseData['body'], decoder: Decoder, onLife?: () => void): AsyncGenerator<Delta> {
  const queue = new DeltaQueue();
  const text = new TextDecoder();
  let unread = 0;
  const parser = createParser({
    onEvent({ data }) {
      unread = 0;
      if (!decoder.done) queue.push(decoder.event(data));
    },
  });
  body.on('data', (bytes: Buffer) => {
    onLife?.();
    unread += bytes.length;
    try {
      if (unread > MOST_EVENT) throw new RunnelError('model-failed', 'The answer of the model cannot be read.');
      parser.feed(text.decode(bytes, { stream: true }));
    } catch (error) {
      queue.end({ error });
    }
    if (decoder.done) queue.end();
    else if (queue.isFull) body.pause();
  });
  body.on('end', () => queue.end());
  body.on('error', (error: Error) => queue.end({ error }));
  try {
    for (let next = queue.next(); next !== null; next = queue.next()) {
      if (next instanceof Promise) await next;
      else yield next;
      if (body.isPaused()) body.resume();
    }
    const end = decoder.end();
    if (!end.some((delta) => 'finish' in delta)) throw new RunnelError('unavailable', 'The model stopped without saying why.');
    yield* end;
  } finally {
    if (decoder.done) body.dump({ limit: MOST_REST }).catch(() => undefined);
    else body.destroy();
  }
}

const readWords = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  let words = '';
  try {
    for await (const bytes of body) {
      words += String(bytes);
      if (words.length > MOST_WORDS) break;
    }
  } catch {
    // The status says enough.
  }
  return words;
};
