import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { InFlight } from './in-flight.ts';

const step = fc.oneof(
  fc.record({ do: fc.constant('enter' as const), user: fc.constantFrom('ann', 'bob') }),
  fc.record({ do: fc.constantFrom('leave' as const, 'go away' as const), nth: fc.nat(20) }),
  fc.record({ do: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 60 }) }),
);

test('S-6 whatever is entered, left, given up and waited for: never more than the limit, in turn, and no place is lost', async () => {
  vi.useFakeTimers();
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, max) => {
        const flights = new InFlight(max, { ms: 100, most: 4 });
        const all: { user: string; state: 'waiting' | 'in' | 'refused' | 'left'; gone: AbortController }[] = [];
        const of = (user: string, state: string) => all.filter((one) => one.user === user && one.state === state);
        for (const next of steps) {
          if (next.do === 'enter') {
            const one = { user: next.user, state: 'waiting' as (typeof all)[number]['state'], gone: new AbortController() };
            const hadRoom = of(one.user, 'in').length < max;
            const hadPlaceToWait = of(one.user, 'waiting').length < 4;
            all.push(one);
            void flights.enter(one.user, one.gone.signal).then((entered) => (one.state = entered ? 'in' : 'refused'));
            await vi.advanceTimersByTimeAsync(0);
            expect(one.state).toBe(hadRoom ? 'in' : hadPlaceToWait ? 'waiting' : 'refused');
          } else if (next.do === 'time') {
            await vi.advanceTimersByTimeAsync(next.ms);
          } else {
            const mine = all.filter(({ state }) => state === (next.do === 'leave' ? 'in' : 'waiting'));
            const one = mine[next.nth % (mine.length || 1)];
            if (one === undefined) continue;
            const [first] = of(one.user, 'waiting');
            if (next.do === 'leave') {
              one.state = 'left';
              flights.leave(one.user);
            } else one.gone.abort();
            await vi.advanceTimersByTimeAsync(0);
            expect(next.do === 'leave' ? (first?.state ?? 'in') : one.state).toBe(next.do === 'leave' ? 'in' : 'refused');
          }
          for (const user of ['ann', 'bob']) expect(of(user, 'in').length).toBeLessThanOrEqual(max);
          expect(flights.waiting).toBe(all.filter(({ state }) => state === 'waiting').length);
        }
        await vi.advanceTimersByTimeAsync(100);
        expect(flights.waiting).toBe(0);
        for (const { user, state } of all) if (state === 'in') flights.leave(user);
        for (let i = 0; i < max; i++) expect(await flights.enter('ann')).toBe(true);
      }),
      { numRuns: 200 },
    );
  } finally {
    vi.useRealTimers();
  }
});

test('without patience nobody waits, and 0 is no limit', async () => {
  const strict = new InFlight(1);
  expect([await strict.enter('ann'), await strict.enter('ann'), await strict.enter('bob')]).toEqual([true, false, true]);
  const open = new InFlight(0);
  expect(await Promise.all(Array.from({ length: 50 }, () => open.enter('ann')))).toEqual(Array(50).fill(true));
});
