import { expect, test } from 'vitest';
import { StatusError } from './api.ts';
import type { KubeObject } from './objects.ts';
import { reflect, type ListWatch } from './reflector.ts';

interface Played {
  lists: number;
  watchedFrom: string[];
  waits: number[];
}

/** Plays one watch after the other; the last one stops the reflector. */
const play = async (watches: ((stop: AbortController) => Promise<void>)[], list?: () => Promise<void>): Promise<Played> => {
  const played: Played = { lists: 0, watchedFrom: [], waits: [] };
  const stop = new AbortController();
  const left = [...watches];
  const source: ListWatch<KubeObject> = {
    async list() {
      played.lists++;
      await list?.();
      return { items: [], resourceVersion: `list-${played.lists}` };
    },
    async watch(version) {
      played.watchedFrom.push(version);
      const next = left.shift();
      if (next === undefined) stop.abort();
      else await next(stop);
    },
  };
  await reflect({
    source,
    onChange: () => {},
    signal: stop.signal,
    random: () => 1,
    wait: async (ms) => void played.waits.push(ms),
  });
  return played;
};

const refuse = (status: number) => () => Promise.reject(new StatusError(status));
const cut = () => Promise.reject(new Error('ECONNRESET'));

test('the first end is met at once, a row of them with doubling waits up to ten seconds', async () => {
  const { waits } = await play(Array.from({ length: 8 }, () => cut));
  expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test('a server that ends each watch at once is not asked in a tight loop', async () => {
  const { waits, lists } = await play(Array.from({ length: 4 }, () => () => Promise.resolve()));
  expect(lists).toBe(1);
  expect(waits.length).toBeGreaterThanOrEqual(3);
});

test('a lost connection keeps the version; an answer of the server asks for a new list', async () => {
  expect((await play([cut])).watchedFrom).toEqual(['list-1', 'list-1']);
  expect((await play([refuse(410)])).watchedFrom).toEqual(['list-1', 'list-2']);
  expect((await play([refuse(403)])).watchedFrom).toEqual(['list-1', 'list-2']);
});
