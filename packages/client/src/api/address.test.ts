import fc from 'fast-check';
import { expect, test } from 'vitest';
import { socketUrl } from '../transport/ws.ts';
import { addressOf } from './address.ts';

test.each([
  ['https://chat.example', '/api/me', 'https://chat.example/api/me'],
  ['https://chat.example/', '/api/me', 'https://chat.example/api/me'],
  ['https://example.org/tools/chat', '/api/me', 'https://example.org/tools/chat/api/me'],
  ['https://example.org/tools/chat/', '/api/me', 'https://example.org/tools/chat/api/me'],
  ['https://example.org/tools/chat?a=b#c', '/api/me', 'https://example.org/tools/chat/api/me'],
  ['http://127.0.0.1:8080', '/api/conversations/a%2Fb', 'http://127.0.0.1:8080/api/conversations/a%2Fb'],
])('%s and %s: %s', (server, path, address) => expect(addressOf(server, path).href).toBe(address));

test.each([
  ['https://example.org/tools/chat/', 'wss://example.org/tools/chat/ws/chat?user_id=a%2Fb'],
  ['http://127.0.0.1:8080', 'ws://127.0.0.1:8080/ws/chat?user_id=a%2Fb'],
])('the socket of %s: %s', (server, address) => expect(socketUrl(server, 'a/b')).toBe(address));

test('an address is below the server, with the slash at its end or without, and never on another host', () => {
  const segments = fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/), { maxLength: 4 });
  fc.assert(
    fc.property(segments, fc.array(fc.string(), { minLength: 1, maxLength: 3 }), (prefix, parts) => {
      const server = ['https://example.org', ...prefix].join('/');
      const path = `/${parts.map((part) => encodeURIComponent(`_${part.replaceAll(/[\ud800-\udfff]/g, '')}`)).join('/')}`;
      expect(addressOf(server, path).href).toBe(server + path);
      expect(addressOf(`${server}/`, path).href).toBe(server + path);
    }),
  );
});
