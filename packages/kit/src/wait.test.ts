import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { delay, fullJitter, waitFor, withDeadline, withPatience } from './wait.ts';

describe('delay', () => {
  test('an abort ends it at once, without an error', async () => {
    const stop = new AbortController();
    const waiting = delay(60_000, stop.signal);
    stop.abort();
    await waiting;
    await delay(60_000, stop.signal);
  });
});

describe('waitFor', () => {
  test('returns what the condition gave', async () => {
    let calls = 0;
    expect(await waitFor(() => (++calls < 3 ? undefined : { calls }), { everyMs: 1 })).toEqual({ calls: 3 });
  });
  test('a condition that throws counts as not yet, and the last error is the cause', async () => {
    const waiting = waitFor(() => Promise.reject(new Error('refused')), { deadlineMs: 5, everyMs: 1, what: 'redis' });
    await expect(waiting).rejects.toMatchObject({ message: 'redis did not come true within 5 ms', cause: { message: 'refused' } });
  });
});

describe('fullJitter', () => {
  test('lies between zero and the doubled base, never above the limit', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const wait = fullJitter({ attempt, baseMs: 250, maxMs: 30_000, random: () => random });
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.min(30_000, 250 * 2 ** attempt));
      }),
    );
  });
});

describe('withDeadline', () => {
  const never = new Promise<string>(() => undefined);

  test('a promise in time wins, with its value or its error', async () => {
    expect(await withDeadline(Promise.resolve('value'), 1000, () => 'late')).toBe('value');
    await expect(withDeadline(Promise.reject(new Error('no')), 1000, () => 'late')).rejects.toThrow('no');
  });
  test('after the deadline the fallback stands, or the error it throws', async () => {
    expect(await withDeadline(never, 1, () => 'late')).toBe('late');
    const failing = withDeadline(never, 1, () => {
      throw new Error('too late');
    });
    await expect(failing).rejects.toThrow('too late');
  });
  test('P-10 what had arrived while the process was busy is read before anybody gives up', async () => {
    const outcome = new Promise<string>((resolve) => {
      setImmediate(() => {
        const arrived = new Promise<string>((settle) => setImmediate(() => settle('value')));
        resolve(withDeadline(arrived, 1, () => 'late'));
        const busyUntil = performance.now() + 5;
        while (performance.now() < busyUntil);
      });
    });
    expect(await outcome).toBe('value');
  });
  test('a failure after the deadline is dropped', async () => {
    let fail = (_error: Error): void => undefined;
    const slow = new Promise<string>((_resolve, reject) => (fail = reject));
    expect(await withDeadline(slow, 1, () => 'late')).toBe('late');
    fail(new Error('nobody waits for this'));
    await delay(1);
  });
});

describe('withPatience', () => {
  test('what is only slow is waited for, as long as it is worth waiting and within the limit', async () => {
    let asked = 0;
    const slow = Promise.withResolvers<string>();
    const worthWaiting = (): boolean => {
      if (++asked === 2) slow.resolve('value');
      return true;
    };
    const patience = { ms: 1, limitMs: 10_000, worthWaiting };
    expect(await withPatience(slow.promise, patience, () => 'late')).toBe('value');
    expect(asked).toBe(2);
    const never = new Promise<string>(() => undefined);
    expect(await withPatience(never, { ...patience, limitMs: 1 }, () => 'late')).toBe('late');
    expect(await withPatience(never, { ...patience, worthWaiting: () => false }, () => 'late')).toBe('late');
  });
});
