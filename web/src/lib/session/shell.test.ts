import { expect, test } from 'vitest';
import { pathBelow, wayOf } from './shell.ts';

const FIXED = new Set(['/favicon.svg']);

test.each([
  ['/', true, 'page'],
  ['/c/abc', true, 'page'],
  ['/audit/abc', true, 'page'],
  ['/index.html', true, 'page'],
  ['/grafana', true, null],
  ['/api/docs', true, null],
  ['/api/files/f1', true, null],
  ['/c/abc', false, null],
  ['/api/conversations', false, null],
  ['/api/assets/x.js', false, null],
  ['/v1/models', false, null],
  ['/assets/index-Ab.js', false, 'asset'],
  ['/assets/../api/me', false, null],
  ['/favicon.svg', false, 'fixed'],
  ['/release.json', false, null],
  ['/sw.js', false, null],
  [null, false, null],
] as const)('P-8 what the worker does with %s (navigates: %s): %s', (path, navigates, way) => {
  expect(wayOf({ method: 'GET', navigates, path }, FIXED)).toBe(way);
  expect(wayOf({ method: 'POST', navigates, path }, FIXED)).toBeNull();
});

test.each([
  ['https://a.example/', 'https://a.example/c/1?user_id=x#m', '/c/1'],
  ['https://a.example/chat/', 'https://a.example/chat/assets/a.js', '/assets/a.js'],
  ['https://a.example/chat/', 'https://a.example/assets/a.js', null],
  ['https://a.example/', 'https://b.example/assets/a.js', null],
])('a path is read below the scope: %s %s', (scope, url, path) => expect(pathBelow(scope, url)).toBe(path));
