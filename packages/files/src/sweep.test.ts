import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunnelError } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import type { WholeFile } from './file-record.ts';
import { createFileStore } from './file-store.ts';
import type { Keeper } from './keeper.ts';
import { localBlobs } from './local-blobs.ts';
import { UNUSED_MS } from './sweep.ts';

const LIMITS = { maxBytes: 100, maxTotalBytes: 1_000, maxFiles: 3, types: ['text/*'] };
const TERM_MS = 30 * UNUSED_MS;

/** A store whose conversations and holds are said here. */
const open = async (termMs = TERM_MS) => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-sweep-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const world = { now: 1_000_000, held: new Set<string>(), shown: new Set<string>(), isDown: false, asked: [] as string[] };
  const keeper: Keeper = {
    needs: (userId, fileIds) => {
      if (world.isDown) return Promise.reject(new RunnelError('unavailable'));
      world.asked.push(`${userId} ${fileIds.length}`);
      return Promise.resolve({ held: new Set(world.held), shown: new Set(world.shown) });
    },
  };
  const store = createFileStore(localBlobs(folder), LIMITS, { now: () => world.now, keeper, termMs });
  return {
    store,
    world,
    make: async (text: string, userId = 'ann'): Promise<WholeFile> =>
      store.keep({ userId, name: text, filetype: '' }, Buffer.from(text), LIMITS.types),
    left: async (): Promise<number> =>
      (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length,
    /** As an hour goes by. */
    sweep: () => store.sweep(),
    has: async ({ fileId, userId }: WholeFile): Promise<boolean> => (await store.find(fileId, userId)) !== null,
  };
};

test('R-3 a used file goes a term after its last use, when two looks found no conversation that shows it', async () => {
  const { store, world, make, sweep, has } = await open();
  const [shown, left, again] = [await make('a'), await make('b'), await make('c')];
  for (const file of [shown, left, again]) await store.use(file);
  world.shown = new Set([shown.fileId]);
  world.now += TERM_MS - 1;
  await store.use(again);
  expect([await sweep(), await sweep()]).toEqual([0, 0]);
  world.now += 1;
  // It is looked for once a day, in two sweeps one behind the other.
  for (let hours = 2; hours < 24; hours++) expect(await sweep()).toBe(0);
  world.shown.add(left.fileId);
  expect([await sweep(), await sweep()]).toEqual([0, 0]);
  world.shown.delete(left.fileId);
  for (let hours = 2; hours < 24; hours++) expect(await sweep()).toBe(0);
  expect([await sweep(), await has(left), await sweep(), await has(left)]).toEqual([0, true, 1, false]);
  expect([await has(shown), await has(again)]).toEqual([true, true]);
});

test('R-3 without a term nobody is asked, and a used file stays', async () => {
  const { store, world, make, sweep, has } = await open(0);
  const file = await make('a');
  await store.use(file);
  world.now += 1_000 * UNUSED_MS;
  expect([await sweep(), await sweep(), await has(file), world.asked]).toEqual([0, 0, true, []]);
});

test('R-4 what is held is neither swept nor past its term, and goes when the hold ends', async () => {
  const { store, world, make, sweep, has } = await open();
  const [unused, used] = [await make('a'), await make('b')];
  await store.use(used);
  world.held = new Set([unused.fileId, used.fileId]);
  world.now += TERM_MS;
  expect([await sweep(), await sweep(), await has(unused), await has(used)]).toEqual([0, 0, true, true]);
  world.held.clear();
  expect([await sweep(), await has(unused)]).toEqual([1, false]);
});

test('R-4 what its owner deletes while it is held is gone for them, with its bytes aside until the hold ends', async () => {
  const { store, world, make, sweep, has, left } = await open();
  const file = await make('a');
  world.held.add(file.fileId);
  await store.discard(file);
  expect([await has(file), await store.list('ann'), await sweep(), await sweep()]).toEqual([false, [], 0, 0]);
  expect(await left()).toBeGreaterThan(1);
  // The same bytes come again: they live, and what was aside takes nothing with it.
  await make('a');
  world.held.clear();
  expect([await sweep(), await has(file)]).toEqual([0, true]);
  await store.discard(file);
  world.held.clear();
  expect([await sweep(), await left()]).toEqual([1, 0]);
});

test('R-4 while nobody can tell what is held nothing goes: a deletion is kept aside, and ended when somebody can', async () => {
  const { store, world, make, sweep, has, left } = await open();
  const [file, unused] = [await make('a'), await make('b', 'bob')];
  world.isDown = true;
  await store.discard(file);
  world.now += UNUSED_MS;
  await expect(sweep()).rejects.toMatchObject({ code: 'unavailable' });
  expect([await has(file), await has(unused), await left()]).toEqual([false, true, 5]);
  world.isDown = false;
  expect([await sweep(), await left()]).toEqual([2, 0]);
});

test('S-3 what is set aside is bounded by person, and an erasure takes it, too', async () => {
  const { store, world, make, left } = await open();
  world.isDown = true;
  for (const text of ['a', 'b', 'c']) await store.discard(await make(text));
  await expect(store.discard(await make('d'))).rejects.toMatchObject({ code: 'quota' });
  expect([await store.erase('ann'), await left()]).toEqual([1, 0]);
});
