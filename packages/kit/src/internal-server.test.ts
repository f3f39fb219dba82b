import { expect, onTestFinished, test } from 'vitest';
import { createHealth } from './health.ts';
import { createInternalServer, type InternalServerOptions } from './internal-server.ts';
import { createInnerDoor, createInnerToken } from './inner/index.ts';
import { listen } from './listen.ts';
import { silentLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { waitFor } from './wait.ts';

function create(options: Partial<InternalServerOptions> = {}) {
  const health = createHealth();
  const metrics = createMetrics('test', { processMetrics: false });
  const app = createInternalServer({ health, metrics, log: silentLog, ...options });
  onTestFinished(() => app.close());
  return { app, health, metrics };
}

test('/readyz is 503 with the reason, then 200', async () => {
  const { app, health } = create();
  const before = await app.inject('/readyz');
  expect([before.statusCode, before.json()]).toEqual([503, { ok: false, reason: 'starting', checks: {} }]);
  health.setReady();
  expect((await app.inject('/readyz')).statusCode).toBe(200);
});

test('/livez fails only when a restart is wanted', async () => {
  const { app, health } = create();
  expect((await app.inject('/livez')).statusCode).toBe(200);
  health.fail('stuck');
  expect((await app.inject('/livez')).statusCode).toBe(503);
});

test('/metrics is the exposition text', async () => {
  const { app, metrics } = create();
  metrics.counter('runnel_x_total', 'X.').inc();
  const answer = await app.inject('/metrics');
  expect(answer.headers['content-type']).toContain('text/plain');
  expect(answer.body).toContain('runnel_x_total');
});

test('/metrics is OpenMetrics for a scraper that accepts it', async () => {
  const { app } = create();
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const answer = await app.inject({ url: '/metrics', headers: { accept } });
  expect(answer.headers['content-type']).toContain('application/openmetrics-text');
  expect(answer.body.endsWith('# EOF\n')).toBe(true);
});

test('POST /drain answers when the drain is done, and drains once', async () => {
  let drains = 0;
  const { app } = create({ onDrain: async () => void drains++ });
  const answers = await Promise.all([app.inject({ method: 'POST', url: '/drain' }), app.inject({ method: 'POST', url: '/drain' })]);
  expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200]);
  expect(drains).toBe(1);
  expect((await create().app.inject({ method: 'POST', url: '/drain' })).statusCode).toBe(404);
});

test('S-8 who drains has to show the token, pages never drain, and a process that was drained over HTTP ends; probes ask nobody', async () => {
  let drains = 0;
  let ended = 0;
  const metrics = createMetrics('test', { processMetrics: false });
  const door = createInnerDoor(createInnerToken({ given: 'the-inner-token' }), metrics);
  const { app } = create({ metrics, door, onDrain: async () => void drains++, onDrained: () => void ended++ });
  const port = await listen(app, { host: '127.0.0.1', port: 0 });
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })).status;
  const authorization = 'Bearer the-inner-token';
  expect(await ask('POST', '/drain')).toBe(401);
  expect(await ask('POST', '/drain', { authorization: 'Bearer another-token' })).toBe(401);
  expect(await ask('POST', '/drain', { authorization, origin: 'http://127.0.0.1:8080' })).toBe(403);
  expect([drains, ended]).toEqual([0, 0]);
  expect(await ask('GET', '/livez', { origin: 'http://127.0.0.1:8080' })).toBe(200);
  expect(await ask('GET', '/metrics')).toBe(200);
  expect(await Promise.all([ask('POST', '/drain', { authorization }), ask('POST', '/drain', { authorization })])).toEqual([200, 200]);
  await waitFor(() => ended > 0, { deadlineMs: 5000 });
  expect([drains, ended]).toEqual([1, 1]);
});

test('listen tells the real port of port 0, and a taken port is EADDRINUSE', async () => {
  const port = await listen(create().app, { host: '127.0.0.1', port: 0 });
  expect(port).toBeGreaterThan(0);
  await expect(listen(create().app, { host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
});
