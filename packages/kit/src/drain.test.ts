import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDrain, DRAIN_STATES } from './drain.ts';
import { createHealth } from './health.ts';
import { createLogger } from './log.ts';
import { createMetrics } from './metrics.ts';

// A deadline takes one more turn of the event loop; a faked one would cost a millisecond of the clock.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

const silent = createLogger({ level: 'silent', node: 'n', service: 's' });

const start = (windowMs: number, work: () => Promise<unknown>) => {
  const health = createHealth();
  health.setReady();
  const metrics = createMetrics('s', { processMetrics: false });
  return { health, metrics, drain: createDrain({ health, metrics, log: silent, windowMs, work }) };
};

const shown = async (metrics: ReturnType<typeof createMetrics>): Promise<string[]> =>
  [...(await metrics.text()).matchAll(/runnel_drain_state\{.*state="(\w+)".*\} 1$/gm)].map(([, state]) => state!);

const plans = fc.record({
  windowMs: fc.integer({ min: 1, max: 60_000 }),
  workMs: fc.integer({ min: 1, max: 120_000 }),
  fails: fc.boolean(),
  /** When somebody asks, in ms after the start: a signal, an operator, both, again. */
  asks: fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 5 }),
});

test('whoever asks, and however long the work is: begun once, after readiness went, over within the window, never back', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ windowMs, workMs, fails, asks }) => {
      let begun = 0;
      let readyAtWork = true;
      const { health, metrics, drain } = start(windowMs, async () => {
        begun++;
        readyAtWork = health.open().ok;
        await new Promise((resolve) => setTimeout(resolve, workMs));
        if (fails) throw new Error('the work failed');
      });
      const seen: string[] = [drain.state];
      const note = (): void => void (seen.at(-1) === drain.state || seen.push(drain.state));
      const first = Math.min(...asks);
      let over = Infinity;
      for (const at of asks) setTimeout(() => void drain.drain().then(() => (over = Math.min(over, Date.now()))), at);
      const startedAt = Date.now();
      for (let t = 0; t <= 160_000; t += 10_000) {
        await vi.advanceTimersByTimeAsync(10_000);
        note();
        expect(await shown(metrics)).toEqual([drain.state]);
      }
      expect(begun).toBe(1);
      expect(readyAtWork).toBe(false);
      expect(over - startedAt - first).toBe(Math.min(windowMs, workMs));
      expect(seen).toEqual(DRAIN_STATES.filter((state) => seen.includes(state)));
      expect(drain.state).toBe('drained');
      expect(health.open()).toEqual({ ok: false, reason: 'draining' });
    }),
    { numRuns: 50 },
  );
});

test('a process that serves says so', async () => {
  const { metrics, drain } = start(1_000, () => Promise.resolve());
  expect(drain.state).toBe('serving');
  expect(await shown(metrics)).toEqual(['serving']);
});
