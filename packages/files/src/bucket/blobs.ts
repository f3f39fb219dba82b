import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { RunnelError } from '@runnel/protocol';
import { checkKey, type BlobGroup, type BlobInfo, type Blobs } from '../blobs.ts';
import { isNoSuchKey, readListing, type Listing } from './listing.ts';
import { bucketDown, bucketRequests, type BucketAnswer, type BucketAsk } from './requests.ts';
import type { BucketKeys, BucketPlace } from './url.ts';

/** Objects that are removed at a time. */
const REMOVING = 8;
const NEW = { 'if-none-match': '*' };
/** An attempt that broke off sooner than that did not meet a bucket that hangs. */
const ASK_WITHIN_MS = 5_000;
const PROBE = 'probes/if-none-match';

/** A read that breaks goes on where it stood, so often without one more byte. */
const BREAKS = 3;
/** What a bucket gives a second at the least, once it has had some time. A byte each nine seconds is never silent, and never done. */
const SLOWEST_BYTES = 16 * 1024;
const GRACE_MS = 10_000;

/** Whether a bucket that was waited for so long gives too little; the time a reader takes for what it got is not the bucket's. Pure. */
export const isTooSlow = (bytes: number, waitedMs: number): boolean => waitedMs > GRACE_MS + (bytes * 1_000) / SLOWEST_BYTES;

/** Objects of a bucket that speaks S3, over any number of processes. */
export const bucketBlobs = (place: BucketPlace, keys: BucketKeys, now: () => number = () => performance.now()): Blobs => {
  const ask = bucketRequests(place, keys);
  const unexpected = (status: number, { method }: BucketAsk): RunnelError =>
    bucketDown(new Error(`the bucket answered ${status} to ${method}, or is none`));
  const written = async (key: string, body: BucketAsk['body'], bytes: number, more = {}): Promise<BucketAnswer> => {
    const headers = { 'content-length': String(bytes), 'content-type': 'application/octet-stream', ...more };
    return ask({ method: 'PUT', key, headers, ...(body && { body }) });
  };
  /** @throws RunnelError `unavailable` for whatever does not say that it took it */
  const mustTake = async (key: string, body: BucketAsk['body'], bytes: number): Promise<void> => {
    const { statusCode, etag } = await written(key, body, bytes);
    if (statusCode !== 200 || etag === undefined) throw unexpected(statusCode, { method: 'PUT', key });
  };
  const get = async (key: string): Promise<Buffer | null> => {
    const asked: BucketAsk = { method: 'GET', key };
    const { statusCode, body, etag } = await ask(asked);
    if (statusCode === 200 && etag !== undefined) return body;
    if (statusCode === 404 && isNoSuchKey(body.toString())) return null;
    throw unexpected(statusCode, asked);
  };
  const putOnce = async (key: string, bytes: Uint8Array): Promise<boolean> => {
    const from = performance.now();
    const asked = written(key, () => bytes, bytes.byteLength, NEW);
    const answer = await asked.catch(async (error: unknown) => {
      // Some refuse before they have read it all and close: what stands there tells. One that says nothing is not asked again.
      const found = performance.now() - from < ASK_WITHIN_MS ? await get(key) : null;
      if (found === null) throw error;
      return { statusCode: 412, etag: undefined, attempts: 2 };
    });
    const { statusCode, etag, attempts } = answer;
    if (statusCode === 200 && etag !== undefined) return true;
    // It may be what the attempt before brought, whose answer was lost.
    if (statusCode === 412) return attempts > 1 && (await get(key))?.equals(bytes) === true;
    if (statusCode === 409) return false;
    throw unexpected(statusCode, { method: 'PUT', key });
  };

  /** A bucket that passes over `If-None-Match` would let two writers mix, and nobody would be told. The object stays for all who look. */
  let honours: Promise<void> | undefined;
  const probe = async (): Promise<void> => {
    for (const bytes of ['a', 'b']) if (!(await putOnce(PROBE, Buffer.from(bytes)))) return;
    throw new Error('FILES_URL: this bucket does not know If-None-Match on PUT, which keeps two uploads apart');
  };
  const mustHonour = (): Promise<void> =>
    (honours ??= probe().catch((error: unknown) => {
      honours = undefined;
      throw error;
    }));

  /** Page by page, in the order of their names. */
  async function* pages(prefix: string): AsyncGenerator<BlobInfo[]> {
    let next: string | null = null;
    do {
      const query = { 'list-type': '2', prefix, ...(next !== null && { 'continuation-token': next }) };
      const asked: BucketAsk = { method: 'GET', key: '', query };
      const { statusCode, body } = await ask(asked);
      const page: Listing | null = statusCode === 200 ? readListing(body.toString()) : null;
      if (page === null) throw unexpected(statusCode, asked);
      yield page.objects;
      next = page.next;
    } while (next !== null);
  }
  const listed = async (prefix: string): Promise<BlobInfo[]> => {
    const found: BlobInfo[] = [];
    for await (const page of pages(prefix)) found.push(...page);
    return found;
  };
  const removeOne = async (key: string): Promise<void> => {
    const asked: BucketAsk = { method: 'DELETE', key };
    const { statusCode, body } = await ask(asked);
    if (statusCode !== 204 && !(statusCode === 404 && isNoSuchKey(body.toString()))) throw unexpected(statusCode, asked);
  };
  const remove = async (key: string): Promise<void> => {
    await removeOne(key);
    const objects = await listed(`${key}/`);
    for (let at = 0; at < objects.length; at += REMOVING)
      await Promise.all(objects.slice(at, at + REMOVING).map((object) => removeOne(object.key)));
  };

  async function* groups(folder: string): AsyncGenerator<BlobGroup> {
    let group: BlobGroup = { name: '', objects: [] };
    for await (const page of pages(`${folder}/`))
      for (const object of page) {
        const [name = '', ...more] = object.key.slice(folder.length + 1).split('/');
        if (more.length === 0) continue;
        if (group.name !== name) {
          if (group.objects.length > 0) yield group;
          group = { name, objects: [] };
        }
        group.objects.push(object);
      }
    if (group.objects.length > 0) yield group;
  }

  /** Bytes from `from` to `to`, over as many requests as that takes. */
  async function* bytesOf(key: string, from: number, to: number): AsyncGenerator<Uint8Array> {
    let at = from;
    let waitedMs = 0;
    for (let breaks = 0; at <= to;) {
      const asked: BucketAsk = { method: 'GET', key, headers: { range: `bytes=${at}-${to}` } };
      const { statusCode, body } = await ask.open(asked);
      if (statusCode !== 206) {
        const isGone = statusCode === 404 && isNoSuchKey(await body.text().catch(() => ''));
        await body.dump().catch(() => undefined);
        throw isGone ? new RunnelError('not-found', 'There is no such file.') : unexpected(statusCode, asked);
      }
      const before = at;
      try {
        let askedAt = now();
        for await (const chunk of body as AsyncIterable<Buffer>) {
          waitedMs += now() - askedAt;
          at += chunk.byteLength;
          if (at > to + 1) throw bucketDown(new Error('the bucket has more of an object than it was asked for'));
          if (isTooSlow(at - from, waitedMs))
            throw bucketDown(new Error(`the bucket gave ${at - from} bytes in ${Math.round(waitedMs)} ms`));
          yield chunk;
          askedAt = now();
        }
      } catch (cause) {
        if (cause instanceof RunnelError) throw cause;
        breaks = at === before ? breaks + 1 : 0;
        if (breaks === BREAKS) throw bucketDown(cause);
        continue;
      }
      if (at === before) throw bucketDown(new Error('the bucket has less of an object than it said'));
    }
  }

  return {
    async putNew(key, bytes) {
      checkKey(key);
      await mustHonour();
      return putOnce(key, bytes);
    },
    put: async (key, bytes) => mustTake(checkKey(key), () => bytes, bytes.byteLength),
    async putFile(key, path) {
      const { size } = await stat(path);
      await mustTake(checkKey(key), () => createReadStream(path), size);
    },
    get: async (key) => get(checkKey(key)),
    read: (key, from, to) => Readable.from(bytesOf(checkKey(key), from, to), { objectMode: false }),
    list: async (folder) => (await listed(`${checkKey(folder)}/`)).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    groups: (folder) => groups(checkKey(folder)),
    remove: async (key) => remove(checkKey(key)),
  };
};
