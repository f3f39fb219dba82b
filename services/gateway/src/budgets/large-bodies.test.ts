import { expect, test } from 'vitest';
import { LargeBodies, slowestOf, type LargeBody } from './large-bodies.ts';

test('S-4 who announces much and sends little gives way to who comes, the slowest first; who sends keeps the place', () => {
  let now = 0;
  const places = new LargeBodies(4, 2, () => now);
  const broken: string[] = [];
  const take = (key: string, name: string) => places.take(key, () => broken.push(name));
  const [a1, , b1, b2] = [take('a', 'a1'), take('a', 'a2'), take('b', 'b1'), take('b', 'b2')] as LargeBody[];
  expect([take('a', 'a3'), take('c', 'c1')]).toEqual(['each', 'node']);
  now = 3_000;
  a1!.bytes = 100;
  b1!.bytes = 3_000_000;
  expect(slowestOf([{ ...a1!, isWhole: true }], now)).toBeUndefined();
  b2!.bytes = 200_000;
  expect(take('c', 'c1')).toMatchObject({ key: 'c' });
  expect(broken).toEqual(['a2']);
  expect(take('c', 'c2')).toMatchObject({ key: 'c' });
  expect(broken).toEqual(['a2', 'a1']);
  // What is left is fast enough, or has just begun.
  expect(take('d', 'd1')).toBe('node');
  places.release(b1!);
  places.release(b1!);
  places.release(a1!);
  expect([take('d', 'd1'), take('d', 'd2')]).toEqual([expect.objectContaining({ key: 'd' }), 'node']);
});

test('S-4 of generated bodies none gives way that is young or fast, and the one that does is the slowest', () => {
  const random = (() => {
    let seed = 7;
    return (most: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % most;
  })();
  const now = 40_000;
  for (let round = 0; round < 200; round++) {
    const bodies = Array.from({ length: random(40) }, () => ({
      since: now - random(30_000),
      bytes: random(2_000_000),
      isWhole: random(4) === 0,
    }));
    const pace = ({ since, bytes }: { since: number; bytes: number }): number => bytes / (now - since);
    const slow = bodies.filter((body) => !body.isWhole && now - body.since > 2_000 && pace(body) < 65.536);
    const found = slowestOf(bodies, now);
    expect(found && pace(found)).toBe(slow.length === 0 ? undefined : Math.min(...slow.map(pace)));
  }
});
