import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { RunnelError } from '@runnel/protocol';
import type { Blobs } from './blobs.ts';
import { createFileStore, type FileStore } from './file-store.ts';
import { segmentsOf } from './file-keys.ts';
import { localBlobs } from './local-blobs.ts';
import { UNUSED_MS } from './sweep.ts';
import { mostSegments, SEGMENT_BYTES, segmentKey } from './segments.ts';

const LIMITS = { maxBytes: 10_000_000, maxTotalBytes: 100_000_000, maxFiles: 1_000, types: ['text/*'] };

const open = async (now?: () => number) => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-store-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  /** As many gateways as are asked for. */
  const node = (): FileStore => createFileStore(localBlobs(folder), LIMITS, now && { now });
  return { folder, node };
};
async function* pieces(...all: (string | Error)[]): AsyncGenerator<Buffer> {
  for (const piece of all) {
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece);
  }
}
const read = (store: FileStore, file: Awaited<ReturnType<FileStore['finish']>>) => text(store.read(file, 0, file.whole.bytes - 1));

test('two nodes that write at once never mix: what is read is what one of them sent, byte for byte', async () => {
  const { node } = await open();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 }), fc.boolean()), { minLength: 1, maxLength: 12 }),
      async (writes) => {
        const nodes = [node(), node()];
        const content = Array.from({ length: 300 }, (_, n) => String.fromCodePoint(97 + (n % 26))).join('');
        const file = await nodes[0]!.create({ userId: 'ann', name: 'a', filetype: '', length: content.length });
        const end = (): Promise<number> => nodes[0]!.offsetOf(file);
        // Both think that the file ends at the same place; a broken line's bytes count as far as they came.
        for (const [both, size, breaks] of writes) {
          const at = await end();
          const sent = content.slice(at, at + size);
          const source = () => (breaks ? pieces(sent, new Error('cut')) : pieces(sent));
          const outcomes = await Promise.all((both ? nodes : nodes.slice(0, 1)).map((one) => one.append(file, at, source())));
          expect(outcomes.filter(({ outcome }) => outcome === 'appended').length).toBeGreaterThanOrEqual(sent === '' ? 0 : 1);
          expect(await end()).toBe(at + Buffer.byteLength(sent));
        }
        const at = await end();
        await nodes[1]!.append(file, at, pieces(content.slice(at)));
        expect(await read(nodes[0]!, await nodes[0]!.finish(file))).toBe(content);
      },
    ),
    { numRuns: 20 },
  );
});

test('a file of which all bytes are there is judged by whoever asks next', async () => {
  const { node } = await open();
  const [dead, next] = [node(), node()];
  const { fileId } = await dead.create({ userId: 'ann', name: 'a', filetype: '', length: 3 });
  await dead.append((await dead.find(fileId, 'ann'))!, 0, pieces('abc'));
  const [one, two] = await Promise.all([dead, next].map(async (store) => store.finish((await store.find(fileId, 'ann'))!)));
  expect(one!.whole).toEqual(two!.whole);
  expect(await read(next, two!)).toBe('abc');
});

test('what nobody used for a day goes; what is used stays; an erased person leaves nothing', async () => {
  let now = 1_000_000;
  const { node, folder } = await open(() => now);
  const store = node();
  const make = async (userId: string) => {
    const file = await store.create({ userId, name: 'a', filetype: '', length: 1 });
    await store.append(file, 0, pieces('x'));
    return store.finish(file);
  };
  const [used, unused] = [await make('ann'), await make('ann')];
  const begun = await store.create({ userId: 'bob', name: 'a', filetype: '', length: 5 });
  await store.use(used);
  now += UNUSED_MS - 1;
  expect(await store.sweep()).toBe(0);
  now += 1;
  expect(await store.sweep()).toBe(2);
  expect(await store.find(unused.fileId, 'ann')).toBeNull();
  expect(await store.find(begun.fileId, 'bob')).toBeNull();
  expect(await read(store, (await store.find(used.fileId, 'ann')) as typeof used)).toBe('x');
  // A node died while it removed, and something is written by a release that is not ours.
  await localBlobs(folder).put('files/half/segments/at-000000000000', Buffer.from('x'));
  await localBlobs(folder).put('files/other/record.json', Buffer.from('{"of":"another release"}'));
  expect([await store.sweep(), await store.sweep(), await store.sweep()]).toEqual([0, 1, 0]);
  await localBlobs(folder).remove('files/other');
  expect(await store.erase('ann')).toBe(1);
  const left = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  expect(left).toEqual([]);
});

test('what a store that failed left behind goes with a sweep: marks without a file, pieces of a whole one, also of a file that is used', async () => {
  const { folder } = await open();
  const blobs = localBlobs(folder);
  const failing = (name: keyof Blobs, asked: RegExp): FileStore => {
    const fail = (key: string) => asked.test(key) && Promise.reject(new RunnelError('unavailable'));
    return createFileStore(
      { ...blobs, [name]: (key: string, bytes: Buffer) => fail(key) || (blobs[name] as typeof blobs.put)(key, bytes) },
      LIMITS,
    );
  };
  const file = { userId: 'ann', name: 'a', filetype: '', length: 3 };
  await expect(failing('put', /record/).create(file)).rejects.toMatchObject({ code: 'unavailable' });
  const store = failing('remove', /segments/);
  const begun = await store.create(file);
  await store.append(begun, 0, pieces('abc'));
  // It is whole: what could not be tidied up is nothing to its owner.
  const whole = await store.finish(begun);
  await store.use(whole);
  expect([(await blobs.list('owners')).length, (await blobs.list(segmentsOf(whole.fileId))).length]).toEqual([2, 1]);

  const sweeping = createFileStore(blobs, LIMITS);
  await sweeping.sweep();
  expect((await blobs.list('owners')).length).toBe(2);
  await sweeping.sweep();
  expect((await blobs.list('owners')).map(({ key }) => key.includes(whole.fileId))).toEqual([true]);
  expect(await blobs.list(segmentsOf(whole.fileId))).toEqual([]);
  expect(await read(sweeping, whole)).toBe('abc');
});

test('a segment is written while the next one comes, and none before the one before it stands', async () => {
  const { folder } = await open();
  const blobs = localBlobs(folder);
  const asked = Promise.withResolvers<void>();
  let under = 0;
  const slow: Blobs = {
    ...blobs,
    async putNew(key, bytes) {
      expect(++under).toBe(1);
      await asked.promise;
      const isNew = await blobs.putNew(key, bytes);
      under--;
      return isNew;
    },
  };
  const store = createFileStore(slow, LIMITS);
  const segment = 'x'.repeat(SEGMENT_BYTES);
  async function* source(): AsyncGenerator<Buffer> {
    yield Buffer.from(segment);
    asked.resolve();
    yield Buffer.from(segment + segment);
    yield Buffer.from('end');
  }
  const file = await store.create({ userId: 'ann', name: 'a', filetype: '', length: 3 * SEGMENT_BYTES + 3 });
  expect(await store.append(file, 0, source())).toEqual({ outcome: 'appended', offset: file.length });
  expect(await read(store, await store.finish(file))).toBe(`${segment.repeat(3)}end`);
});

test('a piece that is lost while its file is put together is an outage, and the upload goes on from there', async () => {
  const { folder } = await open();
  const blobs = localBlobs(folder);
  const losing: Blobs = { ...blobs, get: (key) => blobs.get(key.includes('/segments/') ? `${key}-lost` : key) };
  const store = createFileStore(losing, LIMITS);
  const file = await store.create({ userId: 'ann', name: 'a', filetype: '', length: 3 });
  await store.append(file, 0, pieces('abc'));
  await expect(store.finish(file)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  expect((await createFileStore(blobs, LIMITS).finish(file)).whole.bytes).toBe(3);
});

test('what is deleted while it is written, or judged, leaves nothing, also when its person is erased', async () => {
  const { node, folder } = await open();
  const left = async () => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const erases of [false, true]) {
    const [writer, other] = [node(), node()];
    const file = await writer.create({ userId: 'ann', name: 'a', filetype: '', length: 6 });
    async function* deletedMeanwhile(): AsyncGenerator<Buffer> {
      yield Buffer.from('abc');
      await (erases ? other.erase('ann') : other.remove(file));
      yield Buffer.from('def');
    }
    await expect(writer.append(file, 0, deletedMeanwhile())).rejects.toMatchObject({ code: 'not-found' });
    expect(await left()).toEqual([]);
    const whole = await writer.create({ userId: 'ann', name: 'a', filetype: '', length: 3 });
    await writer.append(whole, 0, pieces('abc'));
    await Promise.allSettled([writer.finish(whole), erases ? other.erase('ann') : other.remove(whole)]);
    expect(await other.find(whole.fileId, 'ann')).toBeNull();
    expect(await left()).toEqual([]);
  }
});

test('however many uploads a person begins at once, over however many nodes, they stay within count and bytes', async () => {
  const { node } = await open();
  let people = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 20, max: 66 }), { minLength: 14, maxLength: 24 }), async (sizes) => {
      const userId = `u${people++}`;
      const begin = (millions: number) =>
        node()
          .create({ userId, name: 'a', filetype: '', length: millions * 150_000 })
          .then(({ length }) => length)
          .catch((error: { code?: string }) => {
            expect(error.code).toBe('quota');
            return 0;
          });
      const begun = await Promise.all(sizes.map(begin));
      const total = begun.reduce((sum, length) => sum + length, 0);
      expect(total).toBeLessThanOrEqual(LIMITS.maxTotalBytes);
      // What was refused left nothing behind: one after the other, what fits is taken.
      const room = LIMITS.maxTotalBytes - total;
      if (room > 0) expect(await node().create({ userId, name: 'b', filetype: '', length: Math.min(room, LIMITS.maxBytes) })).toBeDefined();
    }),
    { numRuns: 25 },
  );
});

test('S-4 a file comes in so many pieces and no more: each request looks at all of them', async () => {
  const { node, folder } = await open();
  const store = node();
  const file = await store.create({ userId: 'ann', name: 'a', filetype: '', length: 5_000 });
  // As if that many requests had brought a byte each.
  const segments = join(folder, segmentsOf(file.fileId));
  await mkdir(segments, { recursive: true });
  const most = mostSegments(file.length);
  await Promise.all(Array.from({ length: most - 1 }, (_, at) => writeFile(join(folder, segmentKey(segmentsOf(file.fileId), at)), 'x')));
  expect(await store.append(file, most - 1, pieces('x'))).toEqual({ outcome: 'appended', offset: most });
  await expect(store.append(file, most, pieces('x'))).rejects.toMatchObject({ code: 'too-large' });
  expect(await store.offsetOf(file)).toBe(most);
  await store.remove(file);
  expect(await store.find(file.fileId, 'ann')).toBe(null);
});
