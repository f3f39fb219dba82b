import { expect, onTestFinished, test } from 'vitest';
import { createHealth } from './health.ts';
import { createInternalServer, type InternalServerOptions } from './internal-server.ts';
import { listen } from './listen.ts';
import { silentLog } from './log.ts';
import { createMetrics } from './metrics.ts';

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
  health.setReady(true);
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

test('listen tells the real port of port 0, and a taken port is EADDRINUSE', async () => {
  const port = await listen(create().app, { host: '127.0.0.1', port: 0 });
  expect(port).toBeGreaterThan(0);
  await expect(listen(create().app, { host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
});
