import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { eachOf } from './each.ts';

const IDS = Array.from({ length: 20 }, (_, i) => `c${i}`);
const setup = (fails: (id: string, tries: number) => RunnelError | null) => {
  const [tries, done, waits] = [new Map<string, number>(), [] as string[], [] as number[]];
  let [now, most] = [0, 0];
  const run = () =>
    eachOf(
      IDS,
      async (id) => {
        most = Math.max(most, ++now);
        await Promise.resolve();
        now--;
        tries.set(id, (tries.get(id) ?? 0) + 1);
        const error = fails(id, tries.get(id)!);
        if (error) throw error;
      },
      { onDone: (id) => void done.push(id), wait: async (ms) => void waits.push(ms), random: () => 0.5 },
    );
  return { run, tries, done, waits, most: () => most };
};

test('all are done, a few at a time', async () => {
  const { run, done, most } = setup(() => null);
  expect(await run()).toEqual([]);
  expect(done.toSorted()).toEqual(IDS.toSorted());
  expect(most()).toBe(3);
});

test('what a server puts off is tried again as late as it says, and not for ever', async () => {
  const { run, tries, waits, done } = setup((id, n) => {
    if (id === 'c3' && n === 1) return new RunnelError('rate-limited', undefined, { retryAfterMs: 2_000 });
    return id === 'c4' ? new RunnelError('unavailable') : null;
  });
  expect(await run()).toEqual(['c4']);
  expect([tries.get('c3'), tries.get('c4'), tries.get('c5')]).toEqual([2, 3, 1]);
  expect(waits.toSorted((a, b) => a - b)).toEqual([1_250, 2_500, 2_500]);
  expect(done).toHaveLength(19);
});

test('what will not be, or not soon, is not tried again; the others are done', async () => {
  const { run, waits, tries } = setup((id) => {
    if (id === 'c0') return new RunnelError('forbidden');
    return id === 'c1' ? new RunnelError('rate-limited', undefined, { retryAfterMs: 60_000 }) : null;
  });
  expect((await run()).toSorted()).toEqual(['c0', 'c1']);
  expect([waits, tries.get('c0'), tries.get('c1')]).toEqual([[], 1, 1]);
});
