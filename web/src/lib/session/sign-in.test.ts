import { expect, test } from 'vitest';
import { newsOf, readToken, signInHref } from './sign-in.ts';

test.each<[string, string | null]>([
  ['a.b.c', 'a.b.c'],
  ['  a.b.c\n', 'a.b.c'],
  ['Bearer a.b.c', 'a.b.c'],
  ['', null],
  ['a b', null],
  ['mã', null],
  ['x'.repeat(8193), null],
])('what was pasted is read as a token: %j', (pasted, token) => {
  expect(readToken(pasted)).toBe(token);
});

const page = { origin: 'https://chat.example', pathname: '/c/1', search: '?a=b&c', hash: '#m1' };

test.each<[string, string | null]>([
  ['/oauth2/start?rd={return}', '/oauth2/start?rd=%2Fc%2F1%3Fa%3Db%26c%23m1'],
  ['https://login.example/?to={return}', 'https://login.example/?to=https%3A%2F%2Fchat.example%2Fc%2F1%3Fa%3Db%26c%23m1'],
  ['https://login.example/', 'https://login.example/'],
  ['javascript:alert(1)', null],
  ['//evil.example', null],
  ['/\\evil.example', null],
])('the sign-in page knows the way back: %s', (url, href) => {
  expect(signInHref(url, page)).toBe(href);
});

test('a refusal is told apart from an expiry', () => {
  expect(newsOf({ pasted: true, known: true })).toBe('wrong');
  expect(newsOf({ pasted: false, known: true })).toBe('expired');
  expect(newsOf({ pasted: false, known: false })).toBe('fresh');
});
