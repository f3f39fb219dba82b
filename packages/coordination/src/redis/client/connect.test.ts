import { expect, test } from 'vitest';
import { parseRedisUrl, redisUrlWith, retryDelay } from './connect.ts';

test.each([
  ['redis://localhost', { mode: 'single', nodes: [{ host: 'localhost', port: 6379 }], master: '', options: {} }],
  ['redis://:p%40ss@r1:6380/2', { mode: 'single', nodes: [{ host: 'r1', port: 6380 }], master: '', options: { password: 'p@ss', db: 2 } }],
  [
    'rediss://ann:s@r1',
    { mode: 'single', nodes: [{ host: 'r1', port: 6379 }], master: '', options: { username: 'ann', password: 's', tls: {} } },
  ],
  [
    'redis+cluster://a:1,[::1]:2',
    {
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      master: '',
      options: {},
    },
  ],
  ['rediss+cluster://a', { mode: 'cluster', nodes: [{ host: 'a', port: 6379 }], master: '', options: { tls: {} } }],
  [
    'redis+sentinel://s1,s2:27000/main/3',
    {
      mode: 'sentinel',
      nodes: [
        { host: 's1', port: 26379 },
        { host: 's2', port: 27000 },
      ],
      master: 'main',
      options: { db: 3 },
    },
  ],
  ['redis+sentinel://s1', { mode: 'sentinel', nodes: [{ host: 's1', port: 26379 }], master: 'mymaster', options: {} }],
])('%s is read', (url, target) => {
  expect(parseRedisUrl(url)).toEqual({ ...target, files: {} });
});

test.each(['http://localhost', 'localhost:6379', 'redis://', 'redis://a/not-a-number', 'redis+other://a'])('%s is refused', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(TypeError);
});

test('reconnects come sooner at first and never together', () => {
  expect([1, 2, 3, 9, 1_000].map((attempt) => retryDelay(attempt, () => 0))).toEqual([50, 100, 200, 500, 500]);
  expect([1, 2, 3, 9, 1_000].map((attempt) => retryDelay(attempt, () => 1))).toEqual([100, 200, 400, 1_000, 1_000]);
});

test('files of TLS travel in the address, whatever their names', () => {
  const files = { ca: '/etc/a b&c.crt', cert: '/x?y', key: '/ü' };
  for (const url of ['rediss://u:p%40@h', 'rediss+cluster://a:1,b:2', 'rediss+sentinel://s/main/3'])
    expect(parseRedisUrl(redisUrlWith(url, files))).toEqual({ ...parseRedisUrl(url), files });
  expect(redisUrlWith('redis://h', {})).toBe('redis://h');
  expect(() => parseRedisUrl('rediss://h?sslmode=off')).toThrow('knows ?ca, cert, key alone');
  expect(() => parseRedisUrl('redis://h?ca=/x')).toThrow('begins with rediss');
});
