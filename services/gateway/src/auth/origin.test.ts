import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startGateway } from '../../testing/test-gateway.ts';
import { isCrossSite, type RequestSource } from './origin.ts';

const source = (change: Partial<RequestSource>): RequestSource => ({
  method: 'POST',
  upgrade: false,
  host: 'chat.example:8080',
  origin: undefined,
  secFetchSite: undefined,
  bearer: false,
  cookie: true,
  ...change,
});

describe('isCrossSite', () => {
  const evil = { origin: 'https://evil.example' };
  const allowed = ['https://app.example'];
  test.each<[string, Partial<RequestSource>, boolean]>([
    ['a page of another site', evil, true],
    ['a page of another port', { origin: 'https://chat.example:9999' }, true],
    ['a sandboxed frame', { origin: 'null' }, true],
    ['an origin that is none', { origin: 'chat.example:8080' }, true],
    ['a socket of another site', { ...evil, method: 'GET', upgrade: true }, true],
    ['another site without Origin', { secFetchSite: 'cross-site' }, true],
    ['a sister site without Origin', { secFetchSite: 'same-site' }, true],
    ['the page itself', { origin: 'https://chat.example:8080' }, false],
    ['the page itself behind an ingress that ends TLS', { origin: 'http://CHAT.example:8080' }, false],
    ['an allowed origin', { origin: 'https://app.example' }, false],
    ['a read from another site', { ...evil, method: 'GET' }, false],
    ['a preflight', { ...evil, method: 'OPTIONS' }, false],
    ['a token of its own', { ...evil, bearer: true }, false],
    ['no browser at all', {}, false],
    ['the address bar', { secFetchSite: 'none' }, false],
  ])('%s', (_name, change, expected) => {
    expect(isCrossSite(source(change), allowed)).toBe(expected);
  });

  test('any origin may act for nobody, none for the visitor', () => {
    expect(isCrossSite(source({ ...evil, cookie: false }), ['*'])).toBe(false);
    expect(isCrossSite(source(evil), ['*'])).toBe(true);
  });
});

describe('over the wire', () => {
  const evil = 'https://evil.example';
  const body = JSON.stringify({ conversationId: 'c', messageId: 'm', text: 'hi' });
  const post = (url: string, origin: string) =>
    fetch(`${url}/api/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: 'runnel_session=guest-1', origin },
      body,
    });

  test('a command of a foreign page is forbidden, the same from the page is not', async () => {
    await using gateway = await startGateway();
    const refused = await post(gateway.url, evil);
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect((await post(gateway.url, gateway.url)).status).toBe(202);
  });

  test('CORS_ORIGINS opens the API to a page, credentials included', async () => {
    await using gateway = await startGateway({ env: { CORS_ORIGINS: 'https://app.example' } });
    const preflight = await fetch(`${gateway.url}/api/chat`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true');
    expect((await post(gateway.url, 'https://app.example')).status).toBe(202);
    expect((await post(gateway.url, evil)).status).toBe(403);
  });

  test('a WebSocket upgrade from a foreign page is refused', async () => {
    await using gateway = await startGateway();
    const upgrade = (origin: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws/chat`, { origin });
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
        socket.on('open', () => {
          socket.terminate();
          resolve(101);
        });
      });
    expect(await upgrade(evil)).toBe(403);
    expect(await upgrade(gateway.url)).toBe(101);
  });
});
