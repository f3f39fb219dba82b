import { AsyncLocalStorage } from 'node:async_hooks';
import type { FormAnswer } from '../asking/forms.ts';
import type { FetchLike } from '@modelcontextprotocol/client';
import { Agent, fetch as undiciFetch } from 'undici';

/** What a call lets its server answer, and how it is told of what the SDK keeps to itself. */
export interface Exchange {
  mostBytes: number;
  /** Ends the request of the call; the SDK alone would leave it open. */
  signal: AbortSignal;
  /** The request is about to be sent. False: it must not be. */
  permit(): Promise<boolean>;
  tooLong(): void;
  /** Its server asks a person, and keeps the call open meanwhile. */
  ask(params: unknown): Promise<FormAnswer>;
  /** The answer is over, whether or not it held one. */
  over(): void;
}

/** Of an answer to anything but a call: lists of tools, greetings. */
const OTHER_BYTES = 4 * 1024 * 1024;

export class NotSent extends Error {}
class TooLong extends Error {}

/**
 * `fetch` for the MCP client that counts what comes (after decompression) and stops reading at a bound. Nothing is asked by GET: changes of a
 * list are found by listing again, and streams are not resumed.
 */
export const createBoundedFetch = () => {
  const exchanges = new AsyncLocalStorage<Exchange>();
  // Deadlines are the calls' own.
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });

  const fetch: FetchLike = async (url, init = {}) => {
    if (init.method === 'GET') return new Response(null, { status: 405 });
    const exchange = isCall(init.body) ? exchanges.getStore() : undefined;
    if (exchange !== undefined && !(await exchange.permit())) throw new NotSent();
    const signals = [init.signal, exchange?.signal].filter((signal) => signal !== undefined && signal !== null);
    const answer = (await undiciFetch(url as string | URL, {
      ...(init as object),
      signal: AbortSignal.any(signals),
      dispatcher: agent,
    })) as unknown as Response;
    if (answer.body === null) return answer;
    const { status, statusText, headers } = answer;
    const most = exchange?.mostBytes ?? OTHER_BYTES;
    const body = ReadableStream.from(counted(answer.body, most, exchange)) as ReadableStream<Uint8Array<ArrayBuffer>>;
    return new Response(body, { status, statusText, headers });
  };
  return {
    fetch,
    run: exchanges.run.bind(exchanges) as typeof exchanges.run,
    /** A question that came with the answer to a call; nobody is asked for anything else. */
    ask: (params: unknown): Promise<FormAnswer> => exchanges.getStore()?.ask(params) ?? Promise.resolve({ action: 'cancel' }),
    close: () => agent.destroy(),
  };
};

/** Not a ping, a cancel or a list that goes out in the course of a call. */
const isCall = (body: unknown): boolean => typeof body === 'string' && /"method":"tools\/call"/.test(body);

/** The body up to the bound; whoever called hears when it is over, also when it broke. */
async function* counted(body: ReadableStream<Uint8Array>, most: number, exchange: Exchange | undefined): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const piece of body) {
      bytes += piece.byteLength;
      if (bytes > most) {
        exchange?.tooLong();
        throw new TooLong();
      }
      yield piece;
    }
  } finally {
    exchange?.over();
  }
}
