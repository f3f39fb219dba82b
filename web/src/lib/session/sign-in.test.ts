import { expect, test } from 'vitest';
import { newsOf, readToken, signInHref, takeResult } from './sign-in.ts';

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
  expect(newsOf({ pasted: true, known: true, kept: false })).toBe('wrong');
  expect(newsOf({ pasted: false, known: true, kept: false })).toBe('expired');
  expect(newsOf({ pasted: false, known: true, kept: true })).toBe('ended');
  expect(newsOf({ pasted: false, known: false, kept: true })).toBe('fresh');
});

test.each([
  ['https://a.example/c/1?x=1#m', null, 'https://a.example/c/1?x=1#m'],
  ['https://a.example/c/1?x=1&sign_in=forbidden#m', 'forbidden', 'https://a.example/c/1?x=1#m'],
  ['https://a.example/?sign_in=expired', 'expired', 'https://a.example/'],
  // A word of a later release, or of who made the link: something did not work.
  ['https://a.example/?sign_in=%3Cb%3E', 'failed', 'https://a.example/'],
])('the result of a sign-in is read once: %s', (href, result, clean) => {
  expect(takeResult(href)).toEqual({ result, href: clean });
});
