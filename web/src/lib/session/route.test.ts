import { expect, test } from 'vitest';
import { formatRoute, parseRoute } from './route.ts';

const chat = (conversationId: string | null, messageId: string | null = null) => ({ page: 'chat', conversationId, messageId });

test('a conversation has an address of its own, and so has a message in it', () => {
  expect(parseRoute('/c/abc_1-2')).toEqual(chat('abc_1-2'));
  expect(parseRoute('/c/abc/')).toEqual(chat('abc'));
  expect(parseRoute('/c/abc', '#m1')).toEqual(chat('abc', 'm1'));
  expect(parseRoute('/c/abc', '#a b')).toEqual(chat('abc'));
  expect(formatRoute({ conversationId: 'abc' })).toBe('/c/abc');
});

test('the trail has one, of everything or of a conversation', () => {
  expect(parseRoute('/audit')).toEqual({ page: 'audit', conversationId: null, messageId: null });
  expect(parseRoute('/audit/abc', '#m1')).toEqual({ page: 'audit', conversationId: 'abc', messageId: null });
  expect(formatRoute({ page: 'audit', conversationId: 'abc' })).toBe('/audit/abc');
  expect(formatRoute({ page: 'audit', conversationId: null })).toBe('/audit');
});

test.each(['/', '/c', '/c/', '/index.html'])('%j is the start page', (path) => {
  expect(parseRoute(path, '#m1')).toEqual(chat(null));
});

test.each(['/c/a b', '/c/../x', `/c/${'x'.repeat(65)}`, '/elsewhere', '/foo/bar', '/audit/a b'])(
  '%j is no address of this page',
  (path) => {
    expect(parseRoute(path, '#m1')).toEqual({ page: 'missing', conversationId: null, messageId: null });
  },
);
