import { expect, test } from 'vitest';
import { createLanes } from './lanes.ts';

test('one batch of a lane is under way at a time, and what waits is joined in order', async () => {
  const sent: [string, readonly number[]][] = [];
  const gates: (() => void)[] = [];
  const push = createLanes<number>(async (lane, items) => {
    sent.push([lane, items]);
    await new Promise<void>((resolve) => gates.push(resolve));
  }, 3);
  const all = [push('a', [1]), push('a', [2]), push('a', [3, 4]), push('b', [9])];
  expect(sent).toEqual([
    ['a', [1]],
    ['b', [9]],
  ]);
  for (let i = 0; i < 3; i++) {
    gates.forEach((open) => open());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  expect(sent.slice(2)).toEqual([['a', [2, 3, 4]]]);
});

test('a batch that fails rejects those in it, and the next is tried', async () => {
  let fails = true;
  const push = createLanes<number>(async () => {
    if (fails) throw new Error('down');
  }, 10);
  await expect(push('a', [1])).rejects.toThrow('down');
  fails = false;
  await push('a', [1]);
});
