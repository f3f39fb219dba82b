import { expect, test } from 'vitest';
import { FrameBudget, Strikes } from '../src/sockets/frame-budget.ts';
import { createRateLimits } from '../src/budgets/rate-limit.ts';
import { SocketLimits } from '../src/connections/socket-limits.ts';

test('P-8 a socket may burst and then has its steady rate', () => {
  let now = 0;
  const budget = new FrameBudget(() => now);
  const passed = () => Array.from({ length: 3000 }, () => budget.take()).filter((wait) => wait === 0).length;
  expect(passed()).toBe(2000);
  expect(budget.take()).toBeGreaterThan(0);
  now = 1000;
  expect(passed()).toBe(200);
});

test('P-8 strikes are forgotten after a minute', () => {
  let now = 0;
  const strikes = new Strikes(() => now);
  expect(strikes.add(499)).toBe(false);
  now = 61_000;
  expect(strikes.add(499)).toBe(false);
  expect(strikes.add(1)).toBe(true);
});

test('P-8 sockets are counted for the node and for each address', () => {
  const limits = new SocketLimits(3, 2);
  expect(['a', 'a', 'a', 'b', 'c'].map((ip) => limits.enter(ip))).toEqual([true, true, false, true, false]);
  limits.leave('a');
  expect(limits.enter('c')).toBe(true);
  expect(limits.total).toBe(3);
});

test('P-8 a user has so many prompts a minute, and one given back counts again', async () => {
  const limits = createRateLimits({ promptsPerMinute: 2 });
  await limits.takePrompt('ann');
  await limits.takePrompt('ann');
  await limits.giveBack('ann');
  await limits.takePrompt('ann');
  await limits.takePrompt('bob');
  await expect(limits.takePrompt('ann')).rejects.toMatchObject({ code: 'rate-limited', retryable: true });
  const error = await limits.takePrompt('ann').catch((e: unknown) => e as { retryAfterMs: number });
  expect(error!.retryAfterMs).toBeGreaterThan(0);
  expect(error!.retryAfterMs).toBeLessThanOrEqual(60_000);
});

test('P-10 a Redis that hangs or fails does not hold a prompt up', async () => {
  const hanging = { defineCommand: () => {}, rlflxIncr: () => new Promise(() => {}), status: 'ready' };
  const failing = { defineCommand: () => {}, rlflxIncr: async () => Promise.reject(new Error('down')), status: 'ready' };
  for (const redis of [hanging, failing]) {
    const limits = createRateLimits({ promptsPerMinute: 1, redis });
    const startedAt = performance.now();
    await limits.takePrompt('ann');
    expect(performance.now() - startedAt).toBeLessThan(500);
    await expect(limits.takePrompt('ann')).rejects.toMatchObject({ code: 'rate-limited' });
  }
});
