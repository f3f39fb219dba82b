import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Scale } from '../kinds/chat-cluster.ts';
import { NOTHING_REMEMBERED, deletionCosts, scaleStep, type ScaleMemory } from './scale.ts';

const spec: Scale = { min: 2, max: 10, target: 100, upPerMinute: 4, downAfterSeconds: 60 };
const SECOND = 1_000;

const playing = (replicas: number, of: Scale = spec) => {
  const state = { replicas, memory: NOTHING_REMEMBERED as ScaleMemory, now: 0 };
  const look = (live: number, afterSeconds: number, all = true): number => {
    state.now += afterSeconds * SECOND;
    const step = scaleStep({ spec: of, replicas: state.replicas, live, all, memory: state.memory, now: state.now });
    Object.assign(state, step);
    return step.replicas;
  };
  return { state, look };
};

test('up at once, within the rate; and further as soon as the rate allows', () => {
  const { look } = playing(2);
  expect(look(250, 0)).toBe(3);
  expect(look(5_000, 1)).toBe(6);
  expect(look(5_000, 1)).toBe(6);
  expect(look(5_000, 58)).toBe(7);
  expect(look(5_000, 2)).toBe(10);
});

test('down one by one, each after a while in which fewer would always have done', () => {
  const { look } = playing(5);
  expect(look(100, 0)).toBe(5);
  expect(look(100, 59)).toBe(5);
  expect(look(100, 1)).toBe(4);
  expect(look(100, 59)).toBe(4);
  // A moment of need, and the time begins again.
  expect(look(400, 1)).toBe(4);
  expect(look(100, 1)).toBe(4);
  expect(look(100, 59)).toBe(4);
  expect(look(100, 1)).toBe(3);
  expect(look(0, 600)).toBe(2);
  expect(look(0, 600)).toBe(2);
});

test('while a pod is not heard there may only be more', () => {
  const { look } = playing(5);
  for (let i = 0; i < 10; i++) expect(look(0, 60, false)).toBe(5);
  expect(look(900, 60, false)).toBe(9);
});

test('generated days: bounds hold, rates hold, and nobody is taken away who is needed', () => {
  const aScale = fc
    .record({
      min: fc.integer({ min: 1, max: 5 }),
      extra: fc.integer({ min: 0, max: 20 }),
      target: fc.integer({ min: 1, max: 200 }),
      upPerMinute: fc.integer({ min: 1, max: 5 }),
      downAfterSeconds: fc.integer({ min: 10, max: 600 }),
    })
    .map(({ extra, ...scale }) => ({ ...scale, max: scale.min + extra }));
  const looks = fc.array(
    fc.record({ live: fc.integer({ min: 0, max: 3_000 }), after: fc.integer({ min: 0, max: 120 }), all: fc.boolean() }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(aScale, fc.integer({ min: 0, max: 30 }), looks, (scale, start, steps) => {
      const { state, look } = playing(start, scale);
      const added: { at: number; pods: number }[] = [];
      let lastDown = Number.NEGATIVE_INFINITY;
      for (const { live, after, all } of steps) {
        const before = state.replicas;
        const wasWithin = before >= scale.min && before <= scale.max;
        const next = look(live, after, all);
        expect(next).toBeGreaterThanOrEqual(scale.min);
        expect(next).toBeLessThanOrEqual(scale.max);
        if (!wasWithin) continue;
        if (next < before) {
          expect([before - next, all]).toEqual([1, true]);
          expect(next * scale.target).toBeGreaterThanOrEqual(Math.min(live, scale.max * scale.target));
          expect(state.now - lastDown).toBeGreaterThanOrEqual(scale.downAfterSeconds * SECOND);
          lastDown = state.now;
        } else if (next > before) {
          added.push({ at: state.now, pods: next - before });
          const within = added.filter(({ at }) => state.now - at < 60 * SECOND).reduce((sum, { pods }) => sum + pods, 0);
          expect(within).toBeLessThanOrEqual(scale.upPerMinute);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the emptiest pod costs the least', () => {
  expect([
    ...deletionCosts(
      new Map([
        ['a', 12],
        ['b', 0],
        ['c', 2 ** 40],
      ]),
    ),
  ]).toEqual([
    ['a', '12'],
    ['b', '0'],
    ['c', '2147483647'],
  ]);
});
