import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { createFileReader, createFileStore, openBlobs, UNUSED_MS, type Blobs, type FileStore } from '@runnel/files';
import { BUCKET_KEYS, faultyBucket, type BucketServer, type FaultyBucket } from '@runnel/files/testing';
import { RunnelError } from '@runnel/protocol';
import { startGateway } from '../test-gateway.ts';

// A client of files, over gateways whose bucket may fail.

const STREAM = 'application/offset+octet-stream';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

export type Kind = 'text' | 'photo' | 'pdf';
export interface World {
  faulty: FaultyBucket;
  /** Two gateways behind the faulty bucket. */
  gateways: [string, string];
  /** The bucket itself, and what is behind the fault. */
  healthy: { blobs: Blobs; store: FileStore };
  behind: { blobs: Blobs; store: FileStore };
}
export interface Subject {
  user: string;
  kind: Kind;
  bytes: Buffer;
  /** '' before it is made. */
  path: string;
}
export interface Outcome {
  isDone: boolean;
  status?: number;
  code?: string;
  retryable?: boolean;
  /** All that somebody is told. */
  said: string;
  body?: Buffer;
}
const LATER = () => Date.now() + 2 * UNUSED_MS;

const call = async (method: string, url: string, { user }: Subject, headers: Record<string, string> = {}, body?: Buffer) => {
  const init = { method, headers: { 'tus-resumable': '1.0.0', ...headers }, ...(body && { body: body as Uint8Array<ArrayBuffer> }) };
  const answer = await fetch(`${url}${url.includes('?') ? '&' : '?'}user_id=${user}`, init);
  const told = JSON.stringify([...answer.headers]);
  const read = await answer.arrayBuffer().catch(() => null);
  if (read === null) return { isDone: false, status: answer.status, code: 'cut', said: told, headers: answer.headers };
  const outcome: Outcome & { headers: Headers } = {
    isDone: answer.ok,
    status: answer.status,
    said: told,
    body: Buffer.from(read),
    headers: answer.headers,
  };
  if (answer.ok) return outcome;
  const problem = (read.byteLength > 0 ? JSON.parse(outcome.body!.toString()) : {}) as { code?: string; retryable?: boolean };
  return { ...outcome, ...problem, said: `${told}${outcome.body!.toString()}` };
};
export const ours = async (work: Promise<unknown>): Promise<Outcome> =>
  work.then(
    () => ({ isDone: true, said: '' }),
    (error: unknown) =>
      error instanceof RunnelError
        ? { isDone: false, status: error.status, code: error.code, retryable: error.retryable, said: JSON.stringify(error.toFields()) }
        : { isDone: false, code: String(error), said: '' },
  );

export const create = async ({ gateways }: World, subject: Subject): Promise<Outcome> => {
  const headers = {
    'upload-length': String(subject.bytes.length),
    'upload-metadata': `filename ${base64('a')},filetype ${base64('text/plain')}`,
  };
  const made = await call('POST', `${gateways[0]}/api/files`, subject, headers);
  if (made.isDone) subject.path = made.headers.get('location')!;
  return made;
};
export const patch = ({ gateways }: World, subject: Subject, from: number, to: number): Promise<Outcome> =>
  call(
    'PATCH',
    gateways[0] + subject.path,
    subject,
    { 'content-type': STREAM, 'upload-offset': String(from) },
    subject.bytes.subarray(from, to),
  );
export const head = ({ gateways }: World, subject: Subject) => call('HEAD', gateways[1] + subject.path, subject);
export const get =
  (headers: Record<string, string> = {}, more = '') =>
  (world: World, subject: Subject) =>
    call('GET', world.gateways[0] + subject.path + more, subject, headers);
export const remove = (world: World, subject: Subject) => call('DELETE', world.gateways[0] + subject.path, subject);
export const idOf = ({ path }: Subject): string => path.split('/').at(-1)!;
export const extracted = async ({ behind }: World, subject: Subject): Promise<Outcome> => {
  let text: unknown;
  const outcome = await ours(
    createFileReader(behind.blobs)
      .content(idOf(subject), 9_999)
      .then((content) => (text = content)),
  );
  if (outcome.isDone) expect(text).toEqual({ kind: 'text', text: 'Hello PDF' });
  return outcome;
};

/** Two gateways and a bucket of this name behind what may fail. */
export const openWorld = async (server: BucketServer, bucket: string): Promise<World & AsyncDisposable> => {
  const faulty = await faultyBucket(server.url);
  const url = (endpoint: string): string => `s3://${bucket}?endpoint=${endpoint}`;
  const limits = { maxBytes: 1e8, maxTotalBytes: 1e9, maxFiles: 1_000, types: ['text/*'] };
  const over = (endpoint: string) => {
    const blobs = openBlobs(url(endpoint), BUCKET_KEYS)!;
    return { blobs, store: createFileStore(blobs, limits, { now: LATER }) };
  };
  const env = {
    FILES_URL: url(faulty.url),
    AWS_ACCESS_KEY_ID: BUCKET_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: BUCKET_KEYS.secretAccessKey,
  };
  const [a, b] = [await startGateway({ env }), await startGateway({ env })];
  return {
    faulty,
    gateways: [a.url, b.url],
    healthy: over(server.url),
    behind: over(faulty.url),
    async [Symbol.asyncDispose]() {
      faulty.close();
      await Promise.all([a.close(), b.close()]);
    },
  };
};

/** The client goes on as tus does, and what it gets then is what it sent. */
export const goesOn = async (world: World, subject: Subject): Promise<void> => {
  if (subject.path === '') expect(await create(world, subject)).toMatchObject({ isDone: true });
  for (let offset = -1; offset < subject.bytes.length;) {
    const { status, headers } = await head(world, subject);
    expect(status).toBe(200);
    const at = Number(headers.get('upload-offset'));
    expect(at).toBeGreaterThan(offset);
    offset = at;
    if (offset < subject.bytes.length) expect(await patch(world, subject, offset, subject.bytes.length)).toMatchObject({ isDone: true });
  }
  const [{ headers }, { body }] = [await head(world, subject), await get()(world, subject)];
  expect(`"${sha256(body!)}"`).toBe(headers.get('etag'));
  if (subject.kind !== 'photo') expect(body!.equals(subject.bytes)).toBe(true);
  else expect(await get({}, '/preview?size=16')(world, subject)).toMatchObject({ status: 200 });
  if (subject.kind === 'pdf') expect(await extracted(world, subject)).toMatchObject({ isDone: true });
};
