import { createRedisRunLog, type RunLog } from '@runnel/coordination';
import { PATIENT_MS, startRedis, type KeyName, type TestRedis } from '@runnel/coordination/testing';
import { toRunnelError } from '@runnel/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EvictedWorld } from '../testing/evicted-world.ts';

let redis: TestRedis;
let store: RunLog;
beforeAll(async () => {
  redis = await startRedis();
  store = createRedisRunLog({ url: redis.url, deadlineMs: PATIENT_MS });
});
afterAll(async () => {
  await store.close();
  await redis.stop();
});

/** Not `whose`: without it and the record nobody can tell whose the rest is; the database can. */
const KEYS = ['meta', 'log', 'owner', 'run', 'text', 'cancel', 'history', 'order', 'ids', 'queued', 'leases'] satisfies KeyName[];

type Step = { name: string; act: (world: EvictedWorld, runId: string) => Promise<unknown> };
const DOES: Step[] = [
  { name: 'open', act: (world) => world.open() },
  { name: 'follow', act: (world) => world.follow() },
  { name: 'page', act: (world) => world.page() },
  { name: 'repeat', act: (world) => world.prompt('q2', 'a2') },
  { name: 'regenerate', act: (world, runId) => world.regenerate('q2', `${runId}r`) },
  {
    name: 'cancel',
    // What the store does not have may be in a database that is away: then that is the answer, and it may be tried again (W-17).
    act: (world, runId) =>
      world.cancel(runId).catch((error: unknown) => {
        if (world.database === 'up' || toRunnelError(error).code !== 'unavailable') throw error;
      }),
  },
  { name: 'write', act: async (world) => world.owned && world.write('x') },
  { name: 'renew', act: async (world) => world.owned && world.renew() },
  { name: 'end', act: async (world) => world.owned && (await world.end(), (world.owned = null)) },
  { name: 'claim', act: async (world, runId) => world.owned ?? world.claim(runId) },
];
const STEPS = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...DOES) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...KEYS).map((key): Step => ({ name: `evict ${key}`, act: (world, runId) => world.evict(key, runId) })),
  },
);

/** Pods and readers, until nothing is left to do. */
const settle = async (world: EvictedWorld): Promise<void> => {
  if (world.owned && (await world.renew()) !== 'fenced') await world.end();
  world.owned = null;
  for (let round = 0; round < 5; round++) {
    const { run } = await world.follow();
    if (!run) return;
    await world.lapse(run.runId);
    await world.follow();
    if ((await world.claim(run.runId, `pod-${round}`)) === 'claimed') await world.end();
    world.owned = null;
  }
  expect((await world.follow()).run, 'no run stays for ever').toBeNull();
};

test('B13 keys that are evicted again and again: no reply is an error, no run stays, and the conversation goes on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(STEPS, { minLength: 3, maxLength: 14 }),
      fc.constantFrom('up' as const, 'away' as const),
      async (steps, database) => {
        // With all of it gone, nobody knows that it was there, until the database is back.
        fc.pre(['meta', 'history', 'order', 'ids'].some((key) => !steps.some(({ name }) => name === `evict ${key}`)));
        const world = new EvictedWorld(store, redis, database);
        await world.turn('1', 'first');
        await world.prompt('q2', 'a2');
        await world.store();
        for (const { act } of steps) await act(world, 'a2');
        await settle(world);
        const opened = await world.open();
        const ids = opened.messages.map(({ messageId }) => messageId);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ['q1', 'a1', 'q2']) expect(ids.includes(id) || opened.hasMore, `${id} is there, or there is more`).toBe(true);
        expect(await world.prompt('q9', 'a9')).toMatchObject({ outcome: 'started' });
        await world.leave();
      },
    ),
    { numRuns: 200 },
  );
}, 120_000);
