import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { createHealth, createMetrics, loadConfig, silentLog, waitFor } from '@runnel/kit';
import type { PodModel } from '@runnel/protocol/http';
import { configSpec, createGatewayApp } from '../src/index.ts';
import { TestClient } from '../testing/ws-client.ts';

const SECRET = 'a secret of thirty-two characters';
const staff: PodModel = {
  id: 'staff-only',
  name: 'Staff',
  provider: 'demo',
  canContinue: true,
  access: { groups: ['staff'], scopes: ['beta'] },
};
const open: PodModel = { id: 'open', name: 'Open', provider: 'demo', canContinue: true };
const pod = { url: 'http://a', open: false, load: 0, offer: async () => 'failed' as const, models: async () => [staff, open] };

const tokenOf = (claims: object): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('alice')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));

let gateway: Awaited<ReturnType<typeof createGatewayApp>>;
let port: number;
beforeAll(async () => {
  const env = { NODE_ID: 'test', HOST: '127.0.0.1', PORT: '0', AUTH_MODE: 'jwt', JWT_SECRET: SECRET };
  gateway = await createGatewayApp({
    ...{ log: silentLog, runLog: createMemoryRunLog(), metrics: createMetrics('gateway'), health: createHealth() },
    config: loadConfig(configSpec, env),
    pods: { list: () => [pod], close: () => undefined },
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  port = (gateway.app.server.address() as { port: number }).port;
});
afterAll(() => gateway.close());

const ask = async (method: 'GET' | 'POST', url: string, claims: object, payload?: object) => {
  const headers = { authorization: `Bearer ${await tokenOf(claims)}` };
  const { statusCode, json } = await gateway.app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: statusCode, body: json<{ code?: string; models?: PodModel[]; data?: { id: string }[]; agents?: object }>() };
};
const prompt = (id: string) => ({ conversationId: `c-${id}`, text: 'hello', model: 'staff-only', messageId: `m-${id}`, runId: `r-${id}` });

test.each([
  ['a group', { groups: ['staff'] }],
  ['a scope', { scope: 'chat beta' }],
])('%s of a token opens a model that names it, on every wire', async (what, claims) => {
  const { body } = await ask('GET', '/api/models', claims);
  expect(body.models!.map(({ id }) => id)).toEqual(['staff-only', 'open']);
  expect(body.models!.some((model) => 'access' in model)).toBe(false);
  expect((await ask('GET', '/v1/models', claims)).body.data!.map(({ id }) => id)).toEqual(['staff-only', 'open']);
  expect((await ask('POST', '/api/chat', claims, prompt(what.slice(2)))).status).toBe(202);
});

test('others do not see it, and are refused forbidden on every wire', async () => {
  expect((await ask('GET', '/api/models', {})).body.models!.map(({ id }) => id)).toEqual(['open']);
  expect((await ask('GET', '/v1/models', { groups: ['other'] })).body.data!.map(({ id }) => id)).toEqual(['open']);
  expect((await ask('GET', '/v1/models/staff-only', {})).status).toBe(404);
  expect(Object.keys((await ask('GET', '/api/ag-ui/info', {})).body.agents!)).not.toContain('staff-only');
  expect(await ask('POST', '/api/chat', {}, prompt('no'))).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
  const messages = [{ role: 'user', content: 'hello' }];
  for (const [url, body] of [
    ['/v1/chat/completions', { model: 'staff-only', messages }],
    ['/v1/responses', { model: 'staff-only', input: 'hello' }],
  ] as const)
    expect((await ask('POST', url, {}, body)).status, url).toBe(403);
});

test('a socket is refused too, until its person comes with a token that says more', async () => {
  const client = new TestClient(port, { headers: { authorization: `Bearer ${await tokenOf({})}` } });
  await client.opened;
  const asked = { type: 'prompt', conversationId: 'c-ws', messageId: 'm-ws', runId: 'r-ws', model: 'staff-only', text: 'hello' } as const;
  expect(await client.ask(asked)).toMatchObject({ type: 'error', code: 'forbidden' });
  client.send({ type: 'hello', protocol: 1, token: await tokenOf({ groups: ['staff'] }) });
  await waitFor(() => client.events.filter(({ type }) => type === 'welcome').length === 2);
  expect(await client.ask(asked)).toMatchObject({ type: 'ok' });
  client.drop();
});
