import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ERRORS, RunnelError } from '@runnel/protocol';
import { startGateway } from '../../../testing/test-gateway.ts';
import { failureHeaders, toFailure, toProblem } from './problem.ts';

describe('toProblem', () => {
  test.each(Object.keys(ERRORS) as (keyof typeof ERRORS)[])('%s has its status, and one code on every transport', (code) => {
    const problem = toProblem(toFailure(new RunnelError(code)));
    expect(problem).toMatchObject({
      type: `urn:runnel:error:${code}`,
      status: ERRORS[code].status,
      code,
      retryable: ERRORS[code].retryable,
    });
    expect(problem.detail).toBe(problem.message);
  });

  test('what is not ours is internal and tells nothing', () => {
    const secret = 'the password is hunter2';
    const failures = [new Error(secret), secret, { statusCode: 400, message: secret }, null].map(toFailure);
    for (const failure of failures) {
      expect(failure.status).toBe(500);
      expect(JSON.stringify(toProblem(failure))).not.toContain('hunter2');
    }
  });

  test('a retry hint becomes both headers', () => {
    const failure = toFailure(new RunnelError('rate-limited', undefined, { retryAfterMs: 1_500 }));
    expect(failureHeaders(failure)).toMatchObject({ 'retry-after': '2', 'retry-after-ms': '1500' });
  });
});

describe('every refusal is a problem document', () => {
  const json = { 'content-type': 'application/json' };
  const chat = (body: string, headers: Record<string, string> = json) => ({ method: 'POST', headers, body });
  test.each<[string, string, RequestInit, number, string]>([
    ['an unknown path', '/api/nope', {}, 404, 'not-found'],
    ['an unknown method', '/api/chat', { method: 'PUT' }, 404, 'not-found'],
    ['broken JSON', '/api/chat', chat('{'), 400, 'bad-frame'],
    ['no body', '/api/chat', chat(''), 400, 'bad-frame'],
    ['an empty object', '/api/chat', chat('{}'), 400, 'bad-frame'],
    ['an array', '/api/chat', chat('[]'), 400, 'bad-frame'],
    ['a poisoned prototype', '/api/chat', chat('{"__proto__":{"x":1}}'), 400, 'bad-frame'],
    ['a wrong id', '/api/chat', chat('{"conversationId":"a b","messageId":"m","text":"x"}'), 400, 'bad-frame'],
    ['plain text', '/api/chat', chat('{}', { 'content-type': 'text/plain' }), 415, 'bad-frame'],
    ['a form', '/api/chat', chat('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'bad-frame'],
    ['a body that is too large', '/api/chat', chat(`"${'x'.repeat(70_000)}"`), 413, 'too-long'],
    [
      'a text that is too long',
      '/api/chat',
      chat(JSON.stringify({ conversationId: 'c', messageId: 'm', text: 'x'.repeat(5_001) })),
      413,
      'too-long',
    ],
    ['an empty text', '/api/chat', chat('{"conversationId":"c","messageId":"m","text":"  "}'), 400, 'empty'],
    ['a path that cannot be decoded', '/api/%zz', {}, 400, 'bad-frame'],
    ['a wrong id in the path', '/api/history/a%20b', {}, 400, 'bad-frame'],
    ['a limit out of range', '/api/history/c?limit=1000', {}, 400, 'bad-frame'],
    ['no such conversation', '/api/history/nowhere', {}, 404, 'not-found'],
    ['a user id that cannot be one', '/api/conversations?user_id=a%20b', {}, 401, 'unauthorized'],
    ['the WebSocket address without an upgrade', '/ws/chat', {}, 400, 'bad-frame'],
    ['a cancel of nothing', '/api/cancel', chat('{"conversationId":"c","runId":"r"}'), 404, 'not-found'],
  ])('%s', async (_name, path, init, status, code) => {
    await using gateway = await startGateway();
    const response = await fetch(`${gateway.url}${path}`, init);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ status, code, title: expect.any(String), detail: expect.any(String) });
    expect(response.status).toBe(status);
  });

  test('P-8 headers without end are refused by the server itself', async () => {
    await using gateway = await startGateway();
    const socket = connect(gateway.port, '127.0.0.1');
    // Also on a connection that has been answered before.
    socket.write('GET /api/nope HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    const answer = new Promise<string>((resolve) => socket.on('data', (data) => resolve(data.toString())));
    socket.write(`GET /api/models HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(64 * 1024)}\r\n\r\n`);
    expect(await answer).toMatch(/^HTTP\/1.1 431 [^]*application\/problem\+json[^]*"code":"bad-frame"/);
    socket.destroy();
  });

  test('who is nobody is told so before anything of the request is read; the documentation is for everybody', async () => {
    await using gateway = await startGateway({ env: { AUTH_MODE: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters' } });
    const status = async (path: string, init: RequestInit = {}) => (await fetch(`${gateway.url}${path}`, init)).status;
    expect(await status('/api/chat', chat('{'))).toBe(401);
    expect(await status('/api/history/a%20b')).toBe(401);
    expect(await status('/api/docs')).toBe(200);
  });
});

test('a misfit names its place and never its value', async () => {
  await using gateway = await startGateway();
  const body = JSON.stringify({ conversationId: 'hunter2 hunter2', messageId: 'm', text: 'x' });
  const response = await fetch(`${gateway.url}/api/chat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const text = await response.text();
  expect(text).toContain('body/conversationId');
  expect(text).not.toContain('hunter2');
});

test('P-10 a store that is down is a clear 503', async () => {
  await using gateway = await startGateway();
  gateway.runLog.readHistory = async () => Promise.reject(new RunnelError('unavailable'));
  const response = await fetch(`${gateway.url}/api/history/c1?user_id=ann`);
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([503, 'unavailable']);
});
