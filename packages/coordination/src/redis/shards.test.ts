import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { channelOf, DEFAULT_SHARDS, shardCount, shardOf, useShards } from './keys.ts';
import { decideShards, openShards } from './shards.ts';

const count = fc.integer({ min: 1, max: 1024 });
const maybe = fc.option(count, { nil: null });

test('what was said first holds, whatever is wanted; another number is never used', () => {
  fc.assert(
    fc.property(maybe, maybe, fc.option(count, { nil: undefined }), (kept, seen, wanted) => {
      const { kind, shards } = decideShards({ kept, seen }, wanted);
      const stands = kept ?? seen;
      expect(shards).toBe(stands ?? wanted ?? DEFAULT_SHARDS);
      expect(kind).toBe(stands !== null && wanted !== undefined && wanted !== stands ? 'mismatch' : 'use');
    }),
  );
});

test('conversations are spread over as many shards as there are', () => {
  onTestFinished(() => useShards(DEFAULT_SHARDS));
  for (const shards of [1, 64, 100, 1024]) {
    useShards(shards);
    const seen = new Set(Array.from({ length: 20_000 }, (_, i) => shardOf(`conversation-${i}`)));
    expect([seen.size, Math.max(...seen), shardCount()]).toEqual([shards, shards - 1, shards]);
  }
  expect(channelOf('c')).toContain(`{${shardOf('c')}}`);
  for (const wrong of [0, -1, 1.5, 1025, Number.NaN]) expect(() => useShards(wrong)).toThrow(TypeError);
});

test('a store that is away holds no start; when it answers otherwise, the process is ended in one line', async () => {
  onTestFinished(() => useShards(DEFAULT_SHARDS));
  let away = true;
  const client = { get: () => (away ? Promise.reject(new Error('away')) : Promise.resolve('128')) };
  const refused = Promise.withResolvers<string>();
  const opened = await openShards({ client: client as never, wanted: undefined, waitMs: 20, refuse: refused.resolve, everyMs: 5 });
  expect(shardCount()).toBe(DEFAULT_SHARDS);
  away = false;
  expect(await refused.promise).toContain('128');
  opened.close();
});
