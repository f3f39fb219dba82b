import type { AddressInfo } from 'node:net';
import { createServer as createHttp, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { BUCKET_KEYS as KEYS, startBuckets, type BucketServer } from '../../testing/bucket-server.ts';
import type { BlobGroup } from '../blobs.ts';
import { createFileReader } from '../file-reader.ts';
import { createFileStore, type FileStore } from '../file-store.ts';
import { UNUSED_MS } from '../sweep.ts';
import { openBlobs } from '../open-files.ts';
import { bucketBlobs, isTooSlow } from './blobs.ts';
import { bucketPlace } from './url.ts';

const LIMITS = { maxBytes: 10_000_000, maxTotalBytes: 100_000_000, maxFiles: 2_000, types: ['text/*'] };

let server: BucketServer;

beforeAll(async () => {
  server = await startBuckets('files');
}, 1_800_000);
afterAll(() => server.close());

const node = (now?: () => number, endpoint = server.url): FileStore =>
  createFileStore(openBlobs(`s3://files?endpoint=${endpoint}`, KEYS)!, LIMITS, now && { now });
const allOf = async (groups: AsyncIterable<BlobGroup>): Promise<BlobGroup[]> => {
  const all: BlobGroup[] = [];
  for await (const group of groups) all.push(group);
  return all;
};
const blobs = (endpoint = server.url) => openBlobs(`s3://files?endpoint=${endpoint}`, KEYS)!;
async function* pieces(...all: (string | Buffer | Error)[]): AsyncGenerator<Buffer> {
  for (const piece of all) {
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece as string);
  }
}
const made = (store: FileStore, length: number, userId = 'ann') => store.create({ userId, name: 'a.txt', filetype: 'text/plain', length });

/** In front of the bucket: each request may be dealt with by `meddle`, which says whether it did. */
const between = async (meddle: (request: IncomingMessage, response: ServerResponse) => boolean): Promise<string> => {
  const proxy = createHttp((request, response) => {
    if (meddle(request, response)) return;
    const { method, headers, url } = request;
    const on = ask(`${server.url}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    on.on('error', () => response.destroy());
    request.pipe(on);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
};

test('objects are there whole or not at all, once under one name, listed in order, and gone with their folder', async () => {
  const bucket = blobs();
  expect(await bucket.get('one/a')).toBeNull();
  expect(await Promise.all([1, 2, 3].map((n) => bucket.putNew('one/a', Buffer.from(`${n}`))))).toContain(true);
  const won = await text(bucket.read('one/a', 0, 0));
  expect(await bucket.putNew('one/a', Buffer.from('9'))).toBe(false);
  expect(Buffer.from((await bucket.get('one/a'))!).toString()).toBe(won);
  await bucket.put('one/a', Buffer.from('0123456789'));
  expect(await Promise.all([text(bucket.read('one/a', 2, 4)), text(bucket.read('one/a', 5, 4))])).toEqual(['234', '']);
  await bucket.put('one/b/c', Buffer.alloc(0));
  expect(await bucket.list('one')).toEqual([
    { key: 'one/a', bytes: 10 },
    { key: 'one/b/c', bytes: 0 },
  ]);
  await bucket.put('one/b/d', Buffer.alloc(2));
  await bucket.put('one/e/f', Buffer.alloc(3));
  const groups = await allOf(bucket.groups('one'));
  expect(groups.map(({ name, objects }) => [name, objects.map(({ bytes }) => bytes)])).toEqual([
    ['b', [0, 2]],
    ['e', [3]],
  ]);
  await bucket.remove('one');
  await bucket.remove('one');
  expect(await bucket.list('one')).toEqual([]);
  expect(() => bucket.read('../x', 0, 1)).toThrow();
});

test('more objects than a page has are all listed', { timeout: 120_000 }, async () => {
  const bucket = blobs();
  for (let at = 0; at < 1_050; at += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => bucket.put(`many/${at < 500 ? 'a' : 'b'}/${String(at + n).padStart(5, '0')}`, Buffer.alloc(0))),
    );
  expect((await bucket.list('many')).length).toBe(1_050);
  const groups = await allOf(bucket.groups('many'));
  expect(groups.map(({ name, objects }) => [name, objects.length])).toEqual([
    ['a', 500],
    ['b', 550],
  ]);
  await bucket.remove('many');
});

test('the next PATCH may go to another gateway; what came of a cut one counts; two writers never mix', async () => {
  const [one, two] = [node(), node()];
  const content = Buffer.alloc(2_500_000, 'abcdefghij');
  const file = await made(one, content.length);
  expect(await one.append(file, 0, pieces(content.subarray(0, 1_200_000), new Error('cut')))).toEqual({
    outcome: 'appended',
    offset: 1_200_000,
  });
  const found = (await two.find(file.fileId, 'ann'))!;
  const outcomes = await Promise.all([one, two].map((store) => store.append(found, 1_200_000, pieces(content.subarray(1_200_000)))));
  expect(outcomes.filter(({ outcome }) => outcome === 'appended').length).toBeGreaterThan(0);
  const whole = await two.finish(found);
  expect(whole.whole).toMatchObject({ mediaType: 'text/plain', bytes: content.length });
  expect(await text(one.read(whole, 1_199_995, 1_200_004))).toBe(content.subarray(1_199_995, 1_200_005).toString());
  expect(await createFileReader(blobs()).content(file.fileId, 10)).toEqual({ kind: 'text', text: 'abcdefghij' });
});

test('what is deleted, erased or unused for a day is gone, with all of its objects', async () => {
  let now = 1_000;
  const store = node(() => now);
  const [used, unused, deleted] = await Promise.all(
    ['u', 'v', 'w'].map((name) => store.keep({ userId: 'bob', name, filetype: 'text/plain' }, Buffer.from(name), ['text/*'])),
  );
  await store.use(used!);
  await store.remove(deleted!);
  now += UNUSED_MS;
  expect(await store.sweep()).toBeGreaterThan(0);
  expect(await Promise.all([used, unused, deleted].map(async (file) => (await store.find(file!.fileId, 'bob')) !== null))).toEqual([
    true,
    false,
    false,
  ]);
  expect(await store.erase('bob')).toBe(1);
  for (const file of [used, unused, deleted]) expect(await blobs().list(`files/${file!.fileId}`)).toEqual([]);
});

test('a read that breaks goes on at its byte; one that never comes further, and a bucket that is away, are outages', async () => {
  const content = Buffer.alloc(300_000, '0123456789');
  await blobs().put('torn/a', content);
  let breaks = 2;
  const torn = await between((request, response) => {
    if (request.method !== 'GET' || request.headers.range === undefined || breaks-- <= 0) return false;
    const [, from] = /bytes=(\d+)-/.exec(request.headers.range)!;
    response.writeHead(206, { 'content-length': '300000' });
    response.write(content.subarray(Number(from), Number(from) + 70_000), () => setImmediate(() => response.destroy()));
    return true;
  });
  expect(await text(blobs(torn).read('torn/a', 0, content.length - 1))).toBe(content.toString());
  const away = await between((_, response) => (response.destroy(), true));
  await expect(text(blobs(away).read('torn/a', 0, 9))).rejects.toMatchObject({ code: 'unavailable' });
  await expect(blobs(away).get('torn/a')).rejects.toMatchObject({ code: 'unavailable' });
  let busy = 1;
  const slow = await between((_, response) => busy-- > 0 && (response.writeHead(503).end(), true));
  expect((await blobs(slow).get('torn/a'))?.byteLength).toBe(content.length);
});

test('a bucket that is never silent and never done is an outage; a reader that takes its time is none', async () => {
  const content = Buffer.alloc(40_000, '0123456789');
  const dribble = await between(({ method }, response) => {
    if (method !== 'GET') return false;
    response.writeHead(206, { etag: 'x', 'content-length': String(content.length) });
    void (async () => {
      for (let at = 0; at < content.length && !response.destroyed; at += 1_000)
        await new Promise<unknown>((resolve) => response.write(content.subarray(at, at + 1_000), resolve));
      response.end();
    })();
    return true;
  });
  let clock = 0;
  const slowBy = (ms: number) => bucketBlobs(bucketPlace(`s3://files?endpoint=${dribble}`), KEYS, () => (clock += ms));
  await expect(text(slowBy(20_000).read('slow/a', 0, content.length - 1))).rejects.toMatchObject({ code: 'unavailable' });
  // It is looked at when a piece is asked for and when it has come: a minute passes between a piece and the next question, and none before a piece.
  let looks = 0;
  const patient = bucketBlobs(bucketPlace(`s3://files?endpoint=${dribble}`), KEYS, () => 60_000 * Math.floor(looks++ / 2));
  expect(await text(patient.read('slow/a', 0, content.length - 1))).toBe(content.toString());
  expect(looks).toBeGreaterThan(2);
});

test('how slowly a bucket may give: ten seconds for the first byte, and 16 KiB a second from there on', () => {
  for (const [bytes, waitedMs, slow] of [
    [0, 10_000, false],
    [1, 10_001, true],
    [1 << 20, 73_000, false],
    [1 << 20, 75_000, true],
    [100 << 20, 6_000_000, false],
  ] as const)
    expect(isTooSlow(bytes, waitedMs), `${bytes} in ${waitedMs}`).toBe(slow);
});

test('a bucket that passes over If-None-Match is refused before anything is kept', async () => {
  // It takes every PUT, and says so.
  const careless = await between(({ method }, response) => method === 'PUT' && (response.writeHead(200, { etag: 'x' }).end(), true));
  await expect(blobs(careless).putNew('two/a', Buffer.from('x'))).rejects.toThrow('If-None-Match');
  expect(await blobs().get('two/a')).toBeNull();
});

test('other keys than the bucket’s are an outage for people, not theirs to know', async () => {
  const stranger = openBlobs(`s3://files?endpoint=${server.url}`, { ...KEYS, secretAccessKey: 'wrong' })!;
  await expect(stranger.get('one/a')).rejects.toMatchObject({ code: 'unavailable' });
});
