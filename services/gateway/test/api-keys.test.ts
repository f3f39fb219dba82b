import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { CLOSE, newId } from '@runnel/protocol';
import type { AuditClient } from '../src/archive/audit-client.ts';
import { newApiKey } from '../src/auth/grants/api-key.ts';
import { bearer, call, makeKey } from '../testing/api-keys.ts';
import { startGateway } from '../testing/test-gateway.ts';

const SECRET = 'a-secret-of-at-least-32-characters-long';
const statusOf = async (answer: Promise<Response>): Promise<number> => (await answer).status;
const me = async (url: string, headers: object, path = '/api/me') => (await call(url, 'GET', path, { headers })).json();
const completion = { model: 'count', messages: [{ role: 'user', content: 'hi' }] };

/** Every way to change something, or to administer. */
const WRITES: [method: string, path: string, body?: object][] = [
  ['POST', '/api/chat', { conversationId: 'c1', messageId: 'm1', text: 'hi' }],
  ['POST', '/api/regenerate', { conversationId: 'c1', parentId: 'm1' }],
  ['POST', '/api/cancel', { conversationId: 'c1', runId: 'r1' }],
  ['PATCH', '/api/conversations/c1', { title: 'x' }],
  ['DELETE', '/api/history/c1'],
  ['POST', '/v1/chat/completions', completion],
];
const OF_PEOPLE_ONLY: typeof WRITES = [
  ['POST', '/api/keys', { name: 'x', scopes: ['chat'] }],
  ['GET', '/api/keys'],
  ['DELETE', '/api/keys/x'],
];
const OF_ADMINS_ONLY: typeof WRITES = [
  ['GET', '/api/admin/trail'],
  ['GET', '/api/admin/analytics?from=0&to=1'],
  ['DELETE', '/api/admin/users/bob'],
];

describe('A-5 a key lets its person in, everywhere, in every mode', () => {
  test.each(['dev', 'jwt'])('%s', async (mode) => {
    await using gateway = await startGateway({ env: mode === 'jwt' ? { AUTH_MODE: 'jwt', JWT_SECRET: SECRET } : {} });
    const token = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(Buffer.from(SECRET));
    const how = mode === 'jwt' ? { path: '/api/keys', headers: bearer(token) } : {};
    const { key, id, prefix } = await makeKey(gateway.url, { name: 'nightly' }, how);
    expect(await me(gateway.url, bearer(key))).toMatchObject({ userId: 'ann', admin: false });
    expect(await statusOf(call(gateway.url, 'GET', '/v1/models', { headers: bearer(key) }))).toBe(200);
    const byHello = await gateway.connect({ query: {}, token: key });
    expect(await byHello.next('welcome')).toMatchObject({ userId: 'ann' });
    const byHeader = await gateway.connect({ query: {}, headers: bearer(key) });
    expect(await byHeader.next('welcome')).toMatchObject({ userId: 'ann' });
    expect(await byHeader.ask({ type: 'prompt', conversationId: newId(), messageId: newId(), text: 'hi' })).toMatchObject({ type: 'ok' });
    const path = mode === 'jwt' ? '/api/keys' : '/api/keys?user_id=ann';
    const list = await call(gateway.url, 'GET', path, { headers: mode === 'jwt' ? bearer(token) : {} });
    expect(list.headers.get('cache-control')).toContain('no-store');
    const { keys } = (await list.json()) as { keys: object[] };
    expect(keys).toEqual([expect.objectContaining({ id, prefix, name: 'nightly', scopes: ['chat'], usedAt: expect.any(Number) })]);
    expect(JSON.stringify(keys)).not.toContain(key.slice(12));
    // A key of somebody wins over a name that anybody could write.
    if (mode === 'dev') expect(await me(gateway.url, bearer(key), '/api/me?user_id=bob')).toMatchObject({ userId: 'ann' });
  });

  test('a wrong key is nobody, also where nobody needs one', async () => {
    await using gateway = await startGateway();
    for (const wrong of [newApiKey(), 'rk_', `${newApiKey()}x`, newApiKey().toLowerCase()]) {
      expect(await statusOf(call(gateway.url, 'GET', '/api/me?user_id=ann', { headers: bearer(wrong) })), wrong).toBe(401);
      expect(await statusOf(call(gateway.url, 'POST', '/v1/chat/completions', { headers: bearer(wrong), body: completion }))).toBe(401);
    }
    const socket = await gateway.connect({ hello: false });
    socket.send({ type: 'hello', protocol: 1, token: newApiKey() });
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await gateway.metric('runnel_gateway_key_checks_total')).toBe(9);
  });

  test('a key that has expired is nobody, and one that would be over is not made', async () => {
    await using gateway = await startGateway();
    await expect(makeKey(gateway.url, { expiresAt: Date.now() - 1 })).rejects.toMatchObject({ body: { code: 'bad-frame' } });
    const { key } = await makeKey(gateway.url, { expiresAt: Date.now() + 300 });
    const socket = await gateway.connect({ query: {}, token: key });
    expect(await socket.closedWith).toBe(CLOSE.auth);
    expect(await statusOf(call(gateway.url, 'GET', '/api/me', { headers: bearer(key) }))).toBe(401);
  });
});

describe('A-7 a key may what its scopes say and nothing more', () => {
  test('read changes nothing, by any way', async () => {
    await using gateway = await startGateway();
    const { key } = await makeKey(gateway.url, { scopes: ['read'] });
    expect(await me(gateway.url, bearer(key))).toMatchObject({ userId: 'ann' });
    for (const [method, path, body] of WRITES) {
      const answer = await call(gateway.url, method, path, { headers: bearer(key), ...(body && { body }) });
      expect(answer.status, `${method} ${path}`).toBe(403);
    }
    const socket = await gateway.connect({ query: {}, token: key });
    const conversationId = newId();
    for (const frame of [
      { type: 'prompt', conversationId, messageId: newId(), text: 'hi' },
      { type: 'regenerate', conversationId, parentId: newId() },
      { type: 'cancel', conversationId, runId: newId() },
      { type: 'delete', conversationId, messageId: newId() },
      { type: 'typing', conversationId, active: true },
    ] as const)
      expect(await socket.ask(frame), frame.type).toMatchObject({ type: 'error', code: 'forbidden' });
    expect(await socket.ask({ type: 'follow', conversationId })).toMatchObject({ type: 'ok' });
  });

  test('no key makes, lists or ends keys, nor administers, also of an admin', async () => {
    await using gateway = await startGateway({ env: { ADMIN_USERS: 'ann' } });
    const { key } = await makeKey(gateway.url, { scopes: ['chat', 'read'] });
    expect(await me(gateway.url, bearer(key))).toMatchObject({ admin: false });
    for (const [method, path, body] of [...OF_PEOPLE_ONLY, ...OF_ADMINS_ONLY]) {
      const answer = await call(gateway.url, method, path, { headers: bearer(key), ...(body && { body }) });
      expect(answer.status, `${method} ${path}`).toBe(403);
    }
  });

  test('a name and scopes are what they say, or no key is made', async () => {
    await using gateway = await startGateway();
    for (const body of [
      { scopes: ['chat'] },
      { name: '', scopes: ['chat'] },
      { name: ' \t', scopes: ['chat'] },
      { name: 'a\nb', scopes: ['chat'] },
      { name: 'x'.repeat(81), scopes: ['chat'] },
      { name: 'x', scopes: [] },
      { name: 'x', scopes: ['admin'] },
      { name: 'x', scopes: ['chat', 'chat'] },
      { name: 'x', scopes: 'chat' },
      { name: 'x', scopes: ['chat'], expiresAt: 'tomorrow' },
    ])
      expect(await statusOf(call(gateway.url, 'POST', '/api/keys?user_id=ann', { body })), JSON.stringify(body)).toBe(400);
  });
});

test('A-2 a person has so many keys; 0 makes none, and ended ones make room', async () => {
  await using gateway = await startGateway({ env: { MAX_API_KEYS_PER_USER: '2' } });
  const { id } = await makeKey(gateway.url);
  await makeKey(gateway.url);
  await expect(makeKey(gateway.url)).rejects.toMatchObject({ body: { code: 'rate-limited', limit: 'keys' } });
  expect(await statusOf(call(gateway.url, 'DELETE', `/api/keys/${id}?user_id=bob`))).toBe(404);
  expect(await statusOf(call(gateway.url, 'DELETE', `/api/keys/${id}?user_id=ann`))).toBe(204);
  await makeKey(gateway.url);
  await using none = await startGateway({ env: { MAX_API_KEYS_PER_USER: '0' } });
  await expect(makeKey(none.url)).rejects.toMatchObject({ body: { code: 'forbidden' } });
});

test('A-8 a key in an address is refused and said to be spoilt, whoever asks', async () => {
  await using gateway = await startGateway();
  const { key } = await makeKey(gateway.url);
  for (const path of [`/api/me?key=${key}`, `/api/me?user_id=ann&x=%72k_${key.slice(3)}`, `/c/${key}`, `/v1/models?api_key=${key}`])
    expect(await statusOf(call(gateway.url, 'GET', path)), path).toBe(400);
  await expect(gateway.connect({ query: { token: key } })).rejects.toMatchObject({ status: 400 });
});

test('A-9 who made and ended a key is in the trail, and the key is not; what cannot be recorded is not made, and is ended all the same', async () => {
  const acts: { type: string; query: string }[] = [];
  let status = 204;
  const audit: AuditClient = {
    async call(path, { body } = {}) {
      if (path === '/trail') acts.push(body as (typeof acts)[number]);
      return { status: path === '/trail' ? status : 200, body: {} };
    },
  };
  await using gateway = await startGateway({ audit });
  const { key, id } = await makeKey(gateway.url);
  status = 503;
  await expect(makeKey(gateway.url)).rejects.toMatchObject({ body: { code: 'unavailable' } });
  const listed = await (await call(gateway.url, 'GET', '/api/keys?user_id=ann')).json();
  expect(listed).toMatchObject({ keys: [{ id }] });
  expect(await statusOf(call(gateway.url, 'DELETE', `/api/keys/${id}?user_id=ann`))).toBe(204);
  expect(await statusOf(call(gateway.url, 'GET', '/api/me', { headers: bearer(key) }))).toBe(401);
  expect(acts.map(({ type }) => type)).toEqual(['KEY_MADE', 'KEY_MADE', 'KEY_ENDED']);
  expect(acts[0]).toMatchObject({ admin: 'ann', query: JSON.stringify({ key: id, scopes: ['chat'], expiresAt: null }) });
  expect(JSON.stringify(acts)).not.toContain(key.slice(9));
});
