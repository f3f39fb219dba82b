import { expect, test } from 'vitest';
import { formatRoute, parseRoute } from './route.ts';

test('a conversation has an address of its own', () => {
  expect(parseRoute('/c/abc_1-2')).toEqual({ conversationId: 'abc_1-2' });
  expect(parseRoute('/c/abc/')).toEqual({ conversationId: 'abc' });
  expect(formatRoute({ conversationId: 'abc' })).toBe('/c/abc');
});

test.each(['/', '/c/', '/c/a b', '/c/../x', `/c/${'x'.repeat(65)}`, '/elsewhere'])('%j is the start page', (path) => {
  expect(parseRoute(path)).toEqual({ conversationId: null });
});
