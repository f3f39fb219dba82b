import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { drainConnections, planDrain } from './drain.ts';

const plan = fc.record({
  busy: fc.array(fc.boolean(), { maxLength: 200 }),
  windowMs: fc.integer({ min: 0, max: 60_000 }),
  luck: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

test('a drain never outlasts its window, sends idle ones first, and leaves nobody out', () => {
  fc.assert(
    fc.property(plan, ({ busy, windowMs, luck }) => {
      const connections = busy.map((isBusy, id) => ({ id, busy: isBusy }));
      const steps = planDrain(connections, windowMs, () => luck);
      expect(steps.map((step) => step.connection.id).toSorted((a, b) => a - b)).toEqual(connections.map(({ id }) => id));
      for (const [index, step] of steps.entries()) {
        expect(step.reconnectInMs).toBeLessThanOrEqual(step.closeAtMs);
        expect(step.closeAtMs).toBeLessThanOrEqual(windowMs);
        if (index > 0) expect(step.reconnectInMs).toBeGreaterThanOrEqual(steps[index - 1]!.reconnectInMs);
        if (index > 0 && !step.connection.busy) expect(steps[index - 1]!.connection.busy).toBe(false);
      }
    }),
  );
});

test('a drain is an even stream, not a herd', () => {
  const steps = planDrain(
    Array.from({ length: 1000 }, () => ({ busy: false })),
    10_000,
    Math.random,
  );
  const perSecond = Object.values(Object.groupBy(steps, ({ reconnectInMs }) => Math.floor(reconnectInMs / 1000))).map(
    (group) => group!.length,
  );
  expect(Math.max(...perSecond)).toBeLessThan(150);
});

test('connections are told at once and closed at their time; nobody waits for those that went by themselves', async () => {
  vi.useFakeTimers();
  const make = (name: string, busy: boolean, leaves: boolean) => {
    const connection = {
      name,
      busy,
      open: true,
      told: -1,
      announce(ms: number) {
        connection.told = ms;
        if (leaves) setTimeout(() => (connection.open = false), ms);
      },
      close() {
        closed.push(name);
        connection.open = false;
      },
    };
    return connection;
  };
  const closed: string[] = [];
  const connections = [make('busy', true, false), make('idle', false, false), make('good', false, true)];
  const drained = drainConnections(connections, 10_000, () => 0.5);
  expect(connections.every(({ told }) => told >= 0)).toBe(true);
  await vi.advanceTimersByTimeAsync(10_000);
  await drained;
  expect(closed).toEqual(['idle', 'busy']);
  vi.useRealTimers();
});
