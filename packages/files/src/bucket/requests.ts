import { randomInt } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { Agent, request, type Dispatcher } from 'undici';
import { RunnelError } from '@runnel/protocol';
import type { BucketKeys, BucketPlace } from './url.ts';

export interface BucketAsk {
  method: 'GET' | 'PUT' | 'DELETE';
  /** '' is the bucket itself. */
  key: string;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  body?: () => Uint8Array | Readable;
}

/** An answer with all of its body. */
export interface BucketAnswer {
  statusCode: number;
  body: Buffer;
  /** What every store of this kind says of an object that it gave or took. */
  etag: string | undefined;
  /** How often it was asked: an attempt that broke off may have been done all the same. */
  attempts: number;
}

/** How long a bucket may say nothing, and how often it is asked. */
const SILENT_MS = 10_000;
const CONNECT_MS = 3_000;
const ATTEMPTS = 3;
const PAUSE_MS = 100;
/** No attempt begins later: a gateway gives a request 30 s, and whoever waits for it shall be answered by us. */
const AGAIN_MS = 8_000;
/** Of a whole answer to a request without a body. */
const MOST_MS = 15_000;
const CONNECTIONS = 64;

export const bucketDown = (cause?: unknown): RunnelError =>
  new RunnelError('unavailable', 'The files’ store is down; try again soon.', { cause });

/** What a later attempt may change: it is busy, broken, or somebody else writes the same object now. */
const mayPass = (statusCode: number): boolean => statusCode === 409 || statusCode === 429 || statusCode >= 500;

export interface AskBucket {
  /** @throws RunnelError `unavailable` */
  (ask: BucketAsk): Promise<BucketAnswer>;
  /** The same with a body that is still to come. @throws RunnelError `unavailable` */
  open(ask: BucketAsk): Promise<Dispatcher.ResponseData>;
}

/**
 * Signed requests (AWS Signature 4), asked once more where that may help; bodies are not hashed: TLS protects them, and what is kept has a
 * digest of its own.
 */
export const bucketRequests = ({ endpoint, region, bucket }: BucketPlace, keys: BucketKeys): AskBucket => {
  const agent = new Agent({
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_MS },
    headersTimeout: SILENT_MS,
    bodyTimeout: SILENT_MS,
  });
  const once = async (
    { method, key, query = {}, headers = {}, body }: BucketAsk,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> => {
    const url = new URL(`${endpoint}/${bucket}${key === '' ? '' : `/${key}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signed = await new AwsV4Signer({ ...keys, method, url: url.href, headers: { ...headers }, service: 's3', region }).sign();
    return request(signed.url, {
      dispatcher: agent,
      method,
      headers: { ...Object.fromEntries(signed.headers), ...headers },
      ...(body && { body: body() }),
      ...(signal && { signal }),
    });
  };
  const patiently = async <T extends { statusCode: number }>(attempt: () => Promise<T>, drop: (answer: T) => Promise<void>) => {
    const from = performance.now();
    for (let attempts = 1; ; attempts++) {
      const isLast = (): boolean => attempts === ATTEMPTS || performance.now() - from > AGAIN_MS;
      const answer = await attempt().catch((cause: unknown) => {
        if (isLast()) throw bucketDown(cause);
        return null;
      });
      if (answer && (!mayPass(answer.statusCode) || isLast())) return { answer, attempts };
      if (answer) await drop(answer);
      await delay(attempts * PAUSE_MS + randomInt(PAUSE_MS));
    }
  };
  const whole = async (ask: BucketAsk): Promise<Omit<BucketAnswer, 'attempts'>> => {
    const { statusCode, headers, body } = await once(ask, ask.body ? undefined : AbortSignal.timeout(MOST_MS));
    return { statusCode, body: Buffer.from(await body.arrayBuffer()), etag: headers['etag'] as string | undefined };
  };
  const askWhole = async (ask: BucketAsk): Promise<BucketAnswer> => {
    const { answer, attempts } = await patiently(
      () => whole(ask),
      async () => undefined,
    );
    return { ...answer, attempts };
  };
  const open = async (ask: BucketAsk): Promise<Dispatcher.ResponseData> =>
    (
      await patiently(
        () => once(ask),
        ({ body }) => body.dump(),
      )
    ).answer;
  return Object.assign(askWhole, { open });
};
