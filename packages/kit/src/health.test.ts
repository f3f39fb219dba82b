import { expect, test } from 'vitest';
import { createHealth } from './health.ts';

test('is not ready until the service says so', async () => {
  const health = createHealth();
  expect(await health.ready()).toEqual({ ok: false, reason: 'starting', checks: {} });
  health.setReady();
  expect(await health.ready()).toEqual({ ok: true, checks: {} });
  health.setUnready('draining');
  expect(await health.ready()).toMatchObject({ ok: false, reason: 'draining' });
});

test('a failing critical check takes the process out, another is only shown', async () => {
  const health = createHealth();
  health.setReady();
  health.register('kafka', () => Promise.reject(new Error('no broker')), { critical: false });
  expect(await health.ready()).toMatchObject({ ok: true, checks: { kafka: { ok: false, critical: false, error: 'no broker' } } });
  health.register('redis', () => {
    throw new Error('refused');
  });
  expect(await health.ready()).toMatchObject({ ok: false, checks: { redis: { ok: false, critical: true, error: 'refused' } } });
});

test('a failure tells its cause', async () => {
  const health = createHealth();
  health.register('redis', () => Promise.reject(new Error('no answer', { cause: new Error('WRONGPASS') })));
  expect(await health.ready()).toMatchObject({ checks: { redis: { error: 'no answer (WRONGPASS)' } } });
});

test('a check that hangs fails at its deadline', async () => {
  const health = createHealth({ checkDeadlineMs: 10 });
  health.setReady();
  health.register('redis', () => new Promise(() => undefined));
  expect(await health.ready()).toMatchObject({ ok: false, checks: { redis: { error: 'no answer within 10 ms' } } });
});

test('many questions at once ask each dependency once', async () => {
  const health = createHealth();
  let asked = 0;
  health.register('redis', () => void asked++);
  await Promise.all([health.ready(), health.ready(), health.ready()]);
  expect(asked).toBe(1);
  await health.ready();
  expect(asked).toBe(2);
});

test('a process that only a restart helps is neither live nor ready', async () => {
  const health = createHealth();
  health.setReady();
  expect(health.live()).toEqual({ ok: true });
  health.fail('consumer crashed');
  expect(health.live()).toEqual({ ok: false, reason: 'consumer crashed' });
  expect(await health.ready()).toMatchObject({ ok: false, reason: 'consumer crashed' });
});

test('two checks cannot share a name', () => {
  const health = createHealth();
  health.register('redis', () => undefined);
  expect(() => health.register('redis', () => undefined)).toThrow(/named redis/);
});
