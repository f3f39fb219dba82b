import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FAILURES,
  FRESH,
  MOST_REST_MS,
  answered,
  begun,
  dropped,
  failed,
  isResting,
  pickEndpoint,
  type EndpointState,
} from './ejection.ts';

const SECOND = 1_000;
const pick = (weights: number[], states: EndpointState[], now = 0, random = 0, asked: number[] = []) =>
  pickEndpoint(weights, states, new Set(asked), now, random);
const ejected = (until: number): EndpointState => ({ ...FRESH, ejections: 1, until, ejectedAt: 0 });

test('each is asked by its weight; one of weight 0, and one that was asked already, is not', () => {
  const share = (at: number): number => {
    let found = 0;
    for (let i = 0; i < 1_000; i++) if (pick([3, 0, 1], [FRESH, FRESH, FRESH], 0, i / 1_000) === at) found++;
    return found;
  };
  expect([share(0), share(1), share(2)]).toEqual([750, 0, 250]);
  expect(pick([3, 0, 1], [FRESH, FRESH, FRESH], 0, 0, [0])).toBe(2);
  expect(pick([3, 0, 1], [FRESH, FRESH, FRESH], 0, 0, [0, 2])).toBe(null);
});

test('three failures in a row and it rests; an answer between them forgives the others', () => {
  let state = FRESH;
  for (let i = 1; i < FAILURES; i++) state = failed(state, i, i);
  expect(isResting(state, 10)).toBe(false);
  expect(failed(answered(state, 5), 6, 6)).toMatchObject({ failures: 1, ejections: 0 });
  state = failed(state, 10, 20);
  expect(isResting(state, 20)).toBe(true);
  expect([0, 0.99].map((random) => pick([9, 1], [state, FRESH], 20, random))).toEqual([1, 1]);
});

test('after its rest it is tried once; it comes back whole, or rests twice as long', () => {
  const state = ejected(10 * SECOND);
  const now = 10 * SECOND;
  expect(pick([1, 9], [state, FRESH], now, 0.99)).toBe(0);
  const tried = begun(state);
  expect([0, 0.99].map((random) => pick([1, 9], [tried, FRESH], now, random))).toEqual([1, 1]);
  expect(answered(tried, now)).toEqual(FRESH);
  expect(failed(tried, now, now + 1)).toMatchObject({ ejections: 2, until: now + 1 + 20 * SECOND, isTried: false });
  // Whoever asked went away: the next request tries it.
  expect(pick([1, 9], [dropped(tried), FRESH], now, 0.99)).toBe(0);
});

test('where all rest, the one whose rest ends first is asked, and its failure makes no rest longer', () => {
  const states = [ejected(9 * SECOND), ejected(5 * SECOND)];
  expect(pick([1, 1], states, SECOND)).toBe(1);
  expect(failed(begun(states[1]!), SECOND, 2 * SECOND)).toEqual(states[1]);
});

test('one that says for how long it wants no more is left alone for so long', () => {
  expect(failed(FRESH, 0, 0, 7 * SECOND)).toMatchObject({ ejections: 1, until: 7 * SECOND });
  expect(failed(FRESH, 0, 0, 9e9).until).toBe(MOST_REST_MS);
});

/** One endpoint that is well or not from time to time, and requests that take a while. */
const aHistory = fc.array(
  fc.record({
    after: fc.integer({ min: 0, max: 30 * SECOND }),
    takes: fc.integer({ min: 0, max: 60 * SECOND }),
    ends: fc.constantFrom('answered', 'failed', 'dropped', 'limited'),
  }),
  { maxLength: 60 },
);

test('generated histories: rests are bounded, nobody is asked twice for one request, and a well endpoint always comes back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
      aHistory,
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (weights, history, randoms) => {
        const states = weights.map(() => FRESH);
        const open: { at: number; since: number; until: number; ends: string }[] = [];
        let now = 0;
        const settle = (to: number): void => {
          for (const request of open.filter(({ until }) => until <= to).toSorted((a, b) => a.until - b.until)) {
            open.splice(open.indexOf(request), 1);
            const { at, since, until, ends } = request;
            const before = states[at]!;
            const next =
              ends === 'answered'
                ? answered(before, since)
                : ends === 'dropped'
                  ? dropped(before)
                  : failed(before, since, until, ends === 'limited' ? 5 * SECOND : undefined);
            expect(next.until - until).toBeLessThanOrEqual(MOST_REST_MS);
            // What was asked before it was sent to rest is no reason for anything.
            if (since < before.ejectedAt && ends !== 'dropped') expect(next).toEqual(before);
            states[at] = next;
          }
        };
        for (const { after, takes, ends } of history) {
          now += after;
          settle(now);
          const asked = new Set<number>();
          for (let at; (at = pickEndpoint(weights, states, asked, now, randoms.next().value as number)) !== null;) {
            expect([asked.has(at), weights[at]! > 0]).toEqual([false, true]);
            // A resting one only where every other that may be asked rests or is tried.
            if (isResting(states[at]!, now))
              for (const [other, state] of states.entries())
                if (weights[other]! > 0 && !asked.has(other)) expect(state.ejections > 0).toBe(true);
            asked.add(at);
          }
          expect(asked.size).toBe(weights.filter((weight) => weight > 0).length);
          const first = pickEndpoint(weights, states, new Set(), now, randoms.next().value as number);
          if (first === null) continue;
          states[first] = begun(states[first]!);
          open.push({ at: first, since: now, until: now + takes, ends });
        }
        settle(Infinity);
        // All are well from now on: each takes its share again.
        now += 120 * SECOND + MOST_REST_MS;
        for (let i = 0; i < weights.length; i++) {
          const at = pickEndpoint(weights, states, new Set(), ++now, 0);
          if (at !== null) states[at] = answered(begun(states[at]!), now);
        }
        for (const [at, state] of states.entries()) if (weights[at]! > 0) expect(state.ejections).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
