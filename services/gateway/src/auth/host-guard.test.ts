import { request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startGateway } from '../../testing/test-gateway.ts';
import { isOurHost, nameOf } from './host-guard.ts';

const here = { publicHosts: [], thisMachineOnly: true };

test('S-14 only names of this machine are ours there, on any port; nothing that merely looks like one', () => {
  for (const host of ['localhost', 'localhost:8080', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:65535', 'LocalHost:80'])
    expect(isOurHost(host, here), host).toBe(true);
  const others = ['evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', 'localhost@evil.example', '', '127.0.0.1:80:80'];
  for (const host of [undefined, ...others, 'localhost:x', '[::1', '0.0.0.0', 'localhost/', ' localhost', 'localhost,evil.example'])
    expect(isOurHost(host, here), host).toBe(false);
  fc.assert(fc.property(fc.domain(), fc.nat(65_535), (name, port) => name === 'localhost' || !isOurHost(`${name}:${port}`, here)));
});

test('S-14 PUBLIC_HOSTS names others, and elsewhere any is taken without it', () => {
  const named = { publicHosts: ['chat.example.org', 'chat.example.org:8443'] };
  expect(isOurHost('Chat.Example.org:443', named)).toBe(true);
  expect(isOurHost('evil.example', named)).toBe(false);
  expect(isOurHost('evil.example', { publicHosts: [] })).toBe(true);
  expect(nameOf('[fe80::1]:1')).toBe('[fe80::1]');
});

test('S-14 two Hosts are nobody, and a forwarded one has to be ours as well', async () => {
  await using gateway = await startGateway({ env: { PUBLIC_HOSTS: 'chat.example.org', TRUST_PROXY: '1' } });
  const answers = (lines: readonly string[], target = '/api/me?user_id=ann') =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(gateway.port, '127.0.0.1');
      let heard = '';
      socket.on('data', (data) => (heard += data.toString()));
      socket.on('close', () => resolve(heard.slice(9, 12)));
      socket.on('error', reject);
      socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
    });
  const ours = 'Host: chat.example.org';
  expect(await answers([ours])).toBe('200');
  for (const second of ['Host: evil.example', 'host: chat.example.org', 'HOST:']) {
    expect(await answers([ours, second])).toBe('400');
    expect(await answers([second, ours])).toBe('400');
  }
  expect(await answers([ours, 'X-Forwarded-Host: chat.example.org'])).toBe('200');
  for (const forwarded of ['evil.example', 'chat.example.org, evil.example', 'chat.example.org.evil.example'])
    expect(await answers([ours, `X-Forwarded-Host: ${forwarded}`])).toBe('421');
});

test('S-14 every way in answers 421 to a foreign name: page, API, /v1 and the upgrade', async () => {
  await using gateway = await startGateway({ thisMachineOnly: true });
  const status = (path: string, headers: Record<string, string>, method = 'GET') =>
    new Promise<number>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: gateway.port, path, method, headers, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      });
      asked.on('error', reject);
      asked.end();
    });
  const host = `evil.example:${gateway.port}`;
  const upgrade = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  for (const path of ['/', '/api/me?user_id=ann', '/v1/models', '/api/sign-in', '/api/docs/', '/nothing'])
    expect(await status(path, { host, origin: `http://${host}` }), path).toBe(421);
  expect(await status('/api/chat?user_id=ann', { host, origin: `http://${host}` }, 'POST')).toBe(421);
  expect(await status('/ws/chat?user_id=ann', { host, origin: `http://${host}`, ...upgrade })).toBe(421);
  expect(await status('/api/me?user_id=ann', { host: `localhost:${gateway.port}` })).toBe(200);
});
