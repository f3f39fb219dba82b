import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { RunnelError } from '@runnel/protocol';
import { checkKey, type BlobInfo, type Blobs } from './blobs.ts';
import { readListing } from './bucket-listing.ts';
import { bucketDown, bucketRequests, type BucketAsk } from './bucket-requests.ts';
import type { BucketKeys, BucketPlace } from './bucket-url.ts';

/** Objects that are removed at a time. */
const REMOVING = 8;
const NEW = { 'if-none-match': '*' };

/** A read that breaks goes on where it stood, so often without one more byte. */
const BREAKS = 3;

/** Objects of a bucket that speaks S3, over any number of processes. */
export const bucketBlobs = (place: BucketPlace, keys: BucketKeys): Blobs => {
  const ask = bucketRequests(place, keys);
  /** The answer, if it has one of these statuses. @throws RunnelError `unavailable` */
  const expecting = async (request: BucketAsk, ...statuses: number[]): Promise<Dispatcher.ResponseData> => {
    const answer = await ask(request);
    if (statuses.includes(answer.statusCode)) return answer;
    await answer.body.dump();
    throw bucketDown(new Error(`the bucket answered ${answer.statusCode} to ${request.method}`));
  };
  const written = async (key: string, body: BucketAsk['body'], bytes: number, more = {}): Promise<number> => {
    const headers = { 'content-length': String(bytes), 'content-type': 'application/octet-stream', ...more };
    const { statusCode, body: answer } = await expecting({ method: 'PUT', key, headers, ...(body && { body }) }, 200, 409, 412);
    await answer.dump();
    return statusCode;
  };
  const putOnce = async (key: string, bytes: Uint8Array): Promise<boolean> =>
    (await written(key, () => bytes, bytes.byteLength, NEW)) === 200;

  /** A bucket that passes over `If-None-Match` would let two writers mix, and nobody would be told. */
  let honours: Promise<void> | undefined;
  const probe = async (): Promise<void> => {
    const key = `probes/${randomUUID()}`;
    const both = [await putOnce(key, Buffer.from('a')), await putOnce(key, Buffer.from('b'))];
    await remove(key);
    if (both[1]) throw new Error('FILES_URL: this bucket does not know If-None-Match on PUT, which keeps two uploads apart');
  };
  const mustHonour = (): Promise<void> =>
    (honours ??= probe().catch((error: unknown) => {
      honours = undefined;
      throw error;
    }));

  /** All pages of a listing. */
  const listed = async (prefix: string, delimiter?: string): Promise<{ objects: BlobInfo[]; folders: string[] }> => {
    const found: { objects: BlobInfo[]; folders: string[] } = { objects: [], folders: [] };
    let next: string | null = null;
    do {
      const query = {
        'list-type': '2',
        prefix,
        ...(delimiter !== undefined && { delimiter }),
        ...(next !== null && { 'continuation-token': next }),
      };
      const { body } = await expecting({ method: 'GET', key: '', query }, 200);
      const page = readListing(await body.text().catch((cause: unknown) => Promise.reject(bucketDown(cause))));
      found.objects.push(...page.objects);
      found.folders.push(...page.folders);
      next = page.next;
    } while (next !== null);
    return found;
  };
  const removeOne = async (key: string): Promise<void> => (await expecting({ method: 'DELETE', key }, 200, 204, 404)).body.dump();
  const remove = async (key: string): Promise<void> => {
    await removeOne(key);
    const { objects } = await listed(`${key}/`);
    for (let at = 0; at < objects.length; at += REMOVING)
      await Promise.all(objects.slice(at, at + REMOVING).map((object) => removeOne(object.key)));
  };

  /** Bytes from `from` to `to`, over as many requests as that takes. */
  async function* bytesOf(key: string, from: number, to: number): AsyncGenerator<Uint8Array> {
    let at = from;
    for (let breaks = 0; at <= to;) {
      const headers = { range: `bytes=${at}-${to}` };
      const { body } = await expecting({ method: 'GET', key, headers }, 206);
      const before = at;
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          at += chunk.byteLength;
          yield chunk;
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
    async put(key, bytes) {
      await written(checkKey(key), () => bytes, bytes.byteLength);
    },
    async putFile(key, path) {
      const { size } = await stat(path);
      await written(checkKey(key), () => createReadStream(path), size);
    },
    async get(key) {
      const { statusCode, body } = await expecting({ method: 'GET', key: checkKey(key) }, 200, 404);
      if (statusCode === 200) return body.bytes().catch((cause: unknown) => Promise.reject(bucketDown(cause)));
      await body.dump();
      return null;
    },
    read: (key, from, to) => Readable.from(bytesOf(checkKey(key), from, to), { objectMode: false }),
    list: async (folder) => (await listed(`${checkKey(folder)}/`)).objects.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    folders: async (folder) => (await listed(`${checkKey(folder)}/`, '/')).folders.map((path) => path.split('/').at(-2)!),
    remove: (key) => remove(checkKey(key)),
  };
};
