import { randomInt } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { Agent, request, type Dispatcher } from 'undici';
import { RunnelError } from '@runnel/protocol';
import type { BucketKeys, BucketPlace } from './bucket-url.ts';

export interface BucketAsk {
  method: 'GET' | 'PUT' | 'DELETE';
  /** '' is the bucket itself. */
  key: string;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  body?: () => Uint8Array | Readable;
}

type Answer = Dispatcher.ResponseData;

/** How long a bucket may say nothing, and how often it is asked. */
const SILENT_MS = 10_000;
const CONNECT_MS = 3_000;
const ATTEMPTS = 3;
const PAUSE_MS = 100;
const CONNECTIONS = 64;

export const bucketDown = (cause?: unknown): RunnelError =>
  new RunnelError('unavailable', 'The files’ store is down; try again soon.', { cause });

/** What a later attempt may change: it is busy, broken, or somebody else writes the same object now. */
const mayPass = ({ statusCode }: Answer): boolean => statusCode === 409 || statusCode === 429 || statusCode >= 500;

/** Whole answers of a bucket, asked for once more where that may help. */
export type AskBucket = (ask: BucketAsk) => Promise<Answer>;

/** Signed requests (AWS Signature 4); bodies are not hashed: TLS protects them, and what is kept has a digest of its own. */
export const bucketRequests = ({ endpoint, region, bucket }: BucketPlace, keys: BucketKeys): AskBucket => {
  const agent = new Agent({
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_MS },
    headersTimeout: SILENT_MS,
    bodyTimeout: SILENT_MS,
  });
  const once = async ({ method, key, query = {}, headers = {}, body }: BucketAsk): Promise<Answer> => {
    const url = new URL(`${endpoint}/${bucket}${key === '' ? '' : `/${key}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signed = await new AwsV4Signer({ ...keys, method, url: url.href, headers: { ...headers }, service: 's3', region }).sign();
    return request(signed.url, {
      dispatcher: agent,
      method,
      headers: { ...Object.fromEntries(signed.headers), ...headers },
      ...(body && { body: body() }),
    });
  };
  return async (ask) => {
    for (let attempt = 1; ; attempt++) {
      const answer = await once(ask).catch((cause: unknown) => {
        if (attempt === ATTEMPTS) throw bucketDown(cause);
        return null;
      });
      if (answer && (!mayPass(answer) || attempt === ATTEMPTS)) return answer;
      await answer?.body.dump();
      await delay(attempt * PAUSE_MS + randomInt(PAUSE_MS));
    }
  };
};
