import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFileReader, type WholeFile } from '@runnel/files';
import { BUCKET_KEYS, FAULTS, startBuckets, type BucketServer, type Fault } from '@runnel/files/testing';
import { pdfOf, photoOf } from '../../../testing/files/documents.ts';
import {
  create,
  extracted,
  get,
  goesOn,
  head,
  idOf,
  openWorld,
  ours,
  patch,
  remove,
  type Kind,
  type Outcome,
  type Subject,
  type World,
} from '../../../testing/http/bucket-world.ts';

// Each step of a file's life beside each thing that a bucket may do to it: for good, and once.

/** Far below the time that a gateway gives a request (30 s), so that the answer is ours. */
const LONGEST_MS = 22_000;
const HALF = 600_000;
const RANGE = { from: 400_000, to: 899_999 };

interface Step {
  name: string;
  /** The requests that meet the fault. */
  asked: RegExp;
  kind?: Kind;
  /** How much of it is there before. */
  from: 'nothing' | 'begun' | 'half' | 'whole';
  act: (world: World, subject: Subject) => Promise<Outcome>;
  /** It is gone behind this. */
  ends?: true;
}

let server: BucketServer;
let contents: Record<Kind, Buffer>;

const FIRST = (world: World, subject: Subject) => patch(world, subject, 0, HALF);
const REST = (world: World, subject: Subject) => patch(world, subject, HALF, subject.bytes.length);
const ALL = (world: World, subject: Subject) => patch(world, subject, 0, subject.bytes.length);

const STEPS: Step[] = [
  ...[/^PUT owners/, /^PUT files.*record/, /^LIST owners/].map((asked): Step => ({ name: 'create', asked, from: 'nothing', act: create })),
  { name: 'a piece', asked: /^PUT files.*segments/, from: 'begun', act: FIRST },
  { name: 'resume at another gateway', asked: /^LIST files.*segments/, from: 'half', act: head },
  ...[
    /^GET files.*record/,
    /^LIST files.*segments/,
    /^GET files.*segments/,
    /^PUT files.*data/,
    /^PUT files.*record/,
    /^GET owners/,
    /^DELETE files.*at-/,
  ].map((asked): Step => ({ name: 'complete', asked, from: 'half', act: REST })),
  { name: 'what models see of a picture', asked: /^PUT files.*seen/, kind: 'photo', from: 'begun', act: ALL },
  { name: 'what models read of a document', asked: /^PUT files.*text/, kind: 'pdf', from: 'begun', act: ALL },
  { name: 'head', asked: /^GET files.*record/, from: 'whole', act: head },
  { name: 'get', asked: /^GET files.*data/, from: 'whole', act: get() },
  { name: 'get a range', asked: /^GET files.*data/, from: 'whole', act: get({ range: `bytes=${RANGE.from}-${RANGE.to}` }) },
  { name: 'preview', asked: /^GET files.*seen/, kind: 'photo', from: 'whole', act: get({}, '/preview?size=16') },
  { name: 'text for a model', asked: /^GET files.*(text|record)/, kind: 'pdf', from: 'whole', act: extracted },
  ...[/^DELETE files.*record/, /^LIST files/, /^DELETE files.*data/, /^DELETE owners/].map((asked): Step => ({
    name: 'delete',
    asked,
    from: 'whole',
    act: remove,
    ends: true,
  })),
  ...[/^LIST owners/, /^DELETE owners/].map((asked): Step => ({
    name: 'erase',
    asked,
    from: 'whole',
    act: ({ behind }, { user }) => ours(behind.store.erase(user)),
    ends: true,
  })),
  ...[/^LIST files\/$/, /^GET files.*record/, /^DELETE files.*data/, /^DELETE owners/].map((asked): Step => ({
    name: 'sweep',
    asked,
    from: 'whole',
    act: ({ behind }) => ours(behind.store.sweep()),
    ends: true,
  })),
];
/** Passes by itself when it comes once: nobody hears of it. */
const PASSES: Fault[] = ['refuses', 'answers 500', 'answers 503', 'is cut in the middle', 'unheard', 'answers late', 'is in conflict'];
const CELLS = [
  ...(Object.keys(FAULTS) as Fault[]).filter((fault) => fault !== 'has lost it').map((fault) => ({ fault, times: Infinity })),
  ...PASSES.map((fault) => ({ fault, times: 1 })),
];

beforeAll(async () => {
  server = await startBuckets('kept-things', ...STEPS.map((_, index) => `kept-things-${index}`));
  contents = {
    text: Buffer.alloc(1_300_000, 'one line of a text that is long enough\n'),
    photo: await photoOf(300, 200),
    pdf: pdfOf(['Hello PDF']),
  };
}, 1_800_000);
afterAll(() => server.close());

/** All that must hold of one cell. @throws what does not */
const cell = async (world: World, { act, asked, from, kind = 'text', name, ends }: Step, user: string, fault: Fault, times: number) => {
  const subject: Subject = { user, kind, bytes: contents[kind], path: '' };
  if (from !== 'nothing') await create(world, subject);
  if (from === 'half') await FIRST(world, subject);
  if (from === 'whole') await ALL(world, subject);
  world.faulty.meet(asked, fault, times);
  const began = performance.now();
  const outcome = await act(world, subject).finally(() => expect(world.faulty.heal()).toBeGreaterThan(0));
  expect(performance.now() - began).toBeLessThan(LONGEST_MS);
  const ports = [server.url, world.faulty.url].map((url) => `:${new URL(url).port}`);
  for (const secret of [...Object.values(BUCKET_KEYS), 'kept-things', 'NoSuch', ...ports]) expect(outcome.said).not.toContain(secret);
  if (times === 1) expect(outcome).toMatchObject({ isDone: true });
  if (outcome.isDone && name.startsWith('get'))
    expect(outcome.body!.equals(name === 'get' ? subject.bytes : subject.bytes.subarray(RANGE.from, RANGE.to + 1))).toBe(true);
  if (!outcome.isDone) {
    // HEAD has no body to say it in, and a stream that has begun can only end before its length.
    const { status, code, retryable } = outcome;
    if (code === undefined) expect(status).toBe(503);
    else if (fault === 'is in conflict' && status === 423) expect([code, retryable]).toEqual(['busy', true]);
    else if (code === 'cut') expect([name.startsWith('get'), status! < 300]).toEqual([true, true]);
    else expect([status, code, retryable]).toEqual([503, 'unavailable', true]);
    if (code !== 'cut') expect(outcome.said).not.toContain('etag');
  }

  if (ends) {
    const again = await act(world, subject);
    expect(again.isDone || again.status === 404).toBe(true);
    expect((await head(world, subject)).status).toBe(404);
    return;
  }
  await goesOn(world, subject);
  const { store, blobs } = world.healthy;
  await store.use((await store.find(idOf(subject), user)) as WholeFile);
  await store.sweep();
  const kept = (await blobs.list(`files/${idOf(subject)}`)).map(({ key }) => key.split('/')[2]!.replace(/-.*/, ''));
  expect(kept.toSorted()).toEqual(['data', 'record.json', ...{ photo: ['seen'], pdf: ['text'], text: [] }[kind], 'used']);
  expect(await remove(world, subject)).toMatchObject({ isDone: true });
};

describe.concurrent('a bucket that fails', { timeout: 300_000 }, () => {
  test.for(STEPS.map((step, index) => ({ ...step, bucket: `kept-things-${index}` })))('$name: $asked', async (step, { expect }) => {
    await using world = await openWorld(server, step.bucket);
    const broken: string[] = [];
    for (const [index, { fault, times }] of CELLS.entries())
      await cell(world, step, `user-${index}`, fault, times).catch((error: unknown) =>
        broken.push(`${fault}${times === 1 ? ' once' : ''}: ${(error as Error).message}`),
      );
    const { store, blobs } = world.healthy;
    for (let looks = 0; looks < 2; looks++) await store.sweep();
    const left = [...(await blobs.list('files')), ...(await blobs.list('owners'))].map(({ key }) => key.replace(/[\w-]{20,}/g, '…'));
    expect([broken, left]).toEqual([[], []]);
  });
});

test('what a bucket lost of an upload is asked for again; what it lost of a file is said, and never served as the whole', async () => {
  await using world = await openWorld(server, 'kept-things');
  const { blobs } = world.healthy;
  const made = async (kind: Kind, bytes?: (subject: Subject) => Promise<unknown>): Promise<Subject> => {
    const subject: Subject = { user: 'ann', kind, bytes: contents[kind], path: '' };
    await create(world, subject);
    await (bytes ?? ((whole) => ALL(world, whole)))(subject);
    return subject;
  };
  const folder = (subject: Subject): string => `files/${idOf(subject)}`;
  const dataOf = async (subject: Subject) => (await blobs.list(folder(subject))).find(({ key }) => key.includes('/data-'))!;

  // A piece before the last one came, and one that is gone while the file is put together.
  const cut = await made('text', (subject) => FIRST(world, subject));
  await blobs.remove(`${folder(cut)}/segments`);
  expect(await REST(world, cut)).toMatchObject({ status: 409, code: 'busy', retryable: true });
  await goesOn(world, cut);
  const torn = await made('text', (subject) => FIRST(world, subject));
  world.faulty.meet(/^GET files.*segments/, 'has lost it', Infinity);
  expect(await REST(world, torn)).toMatchObject({ status: 503, code: 'unavailable', retryable: true });
  expect(world.faulty.heal()).toBe(1);
  await goesOn(world, torn);

  // The upload itself.
  const lost = await made('text', (subject) => FIRST(world, subject));
  await blobs.remove(folder(lost));
  expect(await REST(world, lost)).toMatchObject({ status: 404, code: 'not-found', retryable: false });
  expect((await head(world, lost)).status).toBe(404);

  // The bytes of a file: all of them, and half of them.
  const empty = await made('text');
  await blobs.remove((await dataOf(empty)).key);
  const gone = await get()(world, empty);
  expect(gone).toMatchObject({ status: 404, code: 'not-found', retryable: false });
  expect(gone.said).not.toContain('etag');
  const short = await made('text');
  await blobs.put((await dataOf(short)).key, short.bytes.subarray(0, HALF));
  expect(await get()(world, short)).toMatchObject({ isDone: false, code: 'cut' });
  expect(await get({ range: `bytes=${HALF}-${HALF + 9}` })(world, short)).toMatchObject({ status: 503, code: 'unavailable' });
  expect((await get({ range: 'bytes=0-9' })(world, short)).body?.toString()).toBe(short.bytes.subarray(0, 10).toString());

  // What was made of it.
  const [photo, pdf] = [await made('photo'), await made('pdf')];
  await Promise.all([blobs.remove(`${folder(photo)}/seen`), blobs.remove(`${folder(pdf)}/text`)]);
  expect(await get({}, '/preview?size=16')(world, photo)).toMatchObject({ status: 404, code: 'not-found' });
  expect(await createFileReader(blobs).content(idOf(pdf), 9_999)).toBeNull();

  const { store } = world.healthy;
  for (let looks = 0; looks < 2; looks++) await store.sweep();
  expect([await blobs.list('files'), await blobs.list('owners')]).toEqual([[], []]);
});
