import { describe, expect, test } from 'vitest';
import { seamsOf, watchSeams, type Glance, type Watched } from './seams.ts';

const RUN: Glance = { runId: 'r1', length: 0, moves: 0, live: true, resumeMs: 48, waits: false };
/** Steps at their times (ms); what is not named stays. */
const watch = (begun: boolean, ...steps: [number, Partial<Glance>][]) => {
  let glance = RUN;
  let watched: Watched | null = null;
  let now = 0;
  for (const [at, change] of steps) watched = watchSeams(watched, (glance = { ...glance, ...change }), (now = at), begun);
  return seamsOf(watched!, now);
};

describe('where an answer was joined together', () => {
  test.each([
    [
      'nowhere, when it only grows',
      true,
      [
        [0, {}],
        [10, { length: 5 }],
        [20, { length: 9 }],
      ],
      [],
    ],
    [
      'another server goes on: from the last word of the one to the first of the other',
      true,
      [
        [0, {}],
        [100, { length: 50 }],
        [2_900, { moves: 1 }],
        [3_000, { length: 60 }],
        [3_100, { length: 70 }],
      ],
      [{ kind: 'moved', at: 50, ms: 2_900 }],
    ],
    [
      'it moves and grows within one frame',
      true,
      [
        [0, {}],
        [100, { length: 50 }],
        [600, { moves: 1, length: 58 }],
      ],
      [{ kind: 'moved', at: 50, ms: 500 }],
    ],
    [
      'nowhere, when a server takes up what waited for a person; what moves after that is told',
      true,
      [
        [0, {}],
        [100, { length: 50, waits: true }],
        [9_000, { moves: 1, waits: false }],
        [9_100, { length: 60 }],
        [9_900, { moves: 2 }],
        [10_000, { length: 70 }],
      ],
      [{ kind: 'moved', at: 60, ms: 900 }],
    ],
    [
      'another server takes words back',
      true,
      [
        [0, {}],
        [100, { length: 50 }],
        [500, { moves: 1, length: 20 }],
        [900, { length: 30 }],
      ],
      [{ kind: 'restarted', at: 20, ms: 800 }],
    ],
    [
      'it is handed on twice before a word comes',
      true,
      [
        [0, {}],
        [100, { length: 5 }],
        [200, { moves: 1 }],
        [300, { moves: 2 }],
        [400, { length: 6 }],
      ],
      [
        { kind: 'moved', at: 5, ms: 200 },
        { kind: 'moved', at: 5, ms: 300 },
      ],
    ],
    [
      'it ends before the other server writes a word',
      true,
      [
        [0, {}],
        [100, { length: 5 }],
        [700, { moves: 1 }],
      ],
      [{ kind: 'moved', at: 5, ms: 600 }],
    ],
    [
      'the connection was gone',
      true,
      [
        [0, {}],
        [100, { length: 5 }],
        [200, { live: false }],
        [900, { live: false }],
        [1_200, { live: true, length: 40 }],
      ],
      [{ kind: 'resumed', at: 5, ms: 1_000 }],
    ],
    [
      'it ended while the connection was gone',
      true,
      [
        [0, {}],
        [100, { length: 5 }],
        [200, { live: false }],
        [900, { live: false }],
      ],
      [{ kind: 'resumed', at: 5, ms: 700 }],
    ],
    [
      'the page was loaded in the middle',
      false,
      [
        [0, { length: 80 }],
        [10, { length: 90 }],
      ],
      [{ kind: 'joined', at: 80, ms: 48 }],
    ],
    [
      'the page was loaded before the first word',
      false,
      [
        [0, {}],
        [10, { length: 90 }],
      ],
      [],
    ],
  ] as [string, boolean, [number, Partial<Glance>][], object[]][])('%s', (_, begun, steps, seams) => {
    expect(watch(begun, ...steps)).toEqual(seams);
  });

  test('P-8 not without end', () => {
    const steps = Array.from({ length: 200 }, (_, n): [number, Partial<Glance>] => [n, { moves: n, length: n }]);
    expect(watch(true, ...steps)).toHaveLength(20);
  });

  test('another answer begins anew', () => {
    const first = watchSeams(null, { ...RUN, length: 9 }, 0, false);
    expect(watchSeams(first, { ...RUN, runId: 'r2', length: 0 }, 9, true).seams).toEqual([]);
  });
});
