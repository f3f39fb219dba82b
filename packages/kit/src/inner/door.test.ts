import fastify, { type FastifyInstance } from 'fastify';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../listen.ts';
import { createMetrics } from '../metrics.ts';
import { createInnerDoor, INNER_REFUSALS, inProcessOnly, refusalOf, type InnerDoor } from './door.ts';
import { createInnerToken } from './token.ts';

const TOKEN = 'the-token-between-our-services';

const serve = async (door: InnerDoor): Promise<{ app: FastifyInstance; url: string }> => {
  const app = fastify({ forceCloseConnections: true });
  app.addHook('onRequest', door);
  app.get('/secret', () => 'words');
  onTestFinished(() => app.close());
  return { app, url: `http://127.0.0.1:${await listen(app, { host: '127.0.0.1', port: 0 })}` };
};

test('S-8 no header but the right one opens, whatever it looks like; a page never comes in', () => {
  const near = fc.oneof(
    fc.string(),
    fc.constantFrom(TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase(), `${TOKEN} ${TOKEN}`, `"${TOKEN}"`, 'undefined', 'null', '*'),
  );
  const schemes = fc.constantFrom('Bearer ', 'bearer  ', 'Basic ', '', 'Bearer', 'Bearer\t');
  fc.assert(
    fc.property(schemes, near, fc.option(fc.constant(TOKEN), { nil: undefined }), (scheme, shown, known) => {
      if (shown === TOKEN) return;
      expect(refusalOf({ authorization: `${scheme}${shown}` }, known)).toBeDefined();
    }),
    { numRuns: 500 },
  );
  const right = { authorization: `Bearer ${TOKEN}` };
  expect(refusalOf(right, TOKEN)).toBeUndefined();
  expect(refusalOf({ ...right, 'sec-fetch-site': 'none' }, TOKEN)).toBeUndefined();
  for (const site of ['cross-site', 'same-site', 'same-origin', 'whatever'])
    expect(refusalOf({ ...right, 'sec-fetch-site': site }, TOKEN)).toBe('browser');
  for (const origin of ['null', '', 'http://127.0.0.1:8082', 'https://evil.example'])
    expect(refusalOf({ ...right, origin }, TOKEN)).toBe('browser');
});

test('S-8 refusals have their status, also for paths that do not exist, and are counted by reason from zero', async () => {
  const metrics = createMetrics('test', { processMetrics: false });
  const { url } = await serve(createInnerDoor(createInnerToken({ given: TOKEN }), metrics));
  const counted = async () => [...(await metrics.text()).matchAll(/runnel_inner_refused_total\{reason="([\w-]+)".*\} (\d+)/g)];
  expect((await counted()).map(([, reason, count]) => [reason, count])).toEqual(INNER_REFUSALS.map((reason) => [reason, '0']));
  const status = async (path: string, headers: Record<string, string> = {}) => (await fetch(`${url}${path}`, { headers })).status;
  const authorization = `Bearer ${TOKEN}`;
  expect(await status('/secret')).toBe(401);
  expect(await status('/nothing')).toBe(401);
  expect(await status('/secret', { authorization: 'Bearer something-else' })).toBe(401);
  expect(await status('/secret', { authorization, origin: 'http://localhost:8080' })).toBe(403);
  expect(await status('/secret', { authorization })).toBe(200);
  expect(await status('/nothing', { authorization })).toBe(404);
  expect((await counted()).map(([, reason, count]) => [reason, count])).toEqual([
    ['browser', '1'],
    ['no-token', '2'],
    ['wrong-token', '1'],
    ['not-ready', '0'],
  ]);
});

test('S-8 while the token is not known a door answers 503 to those who show one, and opens to nobody', async () => {
  const token = createInnerToken({ share: () => Promise.reject(new Error('away')) });
  onTestFinished(() => token.close());
  const { url } = await serve(createInnerDoor(token, createMetrics('test', { processMetrics: false })));
  const answer = await fetch(`${url}/secret`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'unavailable', retryable: true }]);
  expect((await fetch(`${url}/secret`)).status).toBe(401);
});

test('S-8 a service that was given no door is closed to the network and open within the process', async () => {
  const { app, url } = await serve(inProcessOnly);
  expect((await fetch(`${url}/secret`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(401);
  expect((await app.inject('/secret')).body).toBe('words');
});
