import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hrefBelow, pathIn, storedName } from './base.ts';
import { formatRoute, parseRoute } from './route.ts';

const segment = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,9}$/);
const base = fc.array(segment, { maxLength: 4 }).map((segments) => ['', ...segments, ''].join('/'));
const route = fc.oneof(
  fc.record({ page: fc.constantFrom('chat' as const, 'audit' as const), conversationId: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/) }),
  fc.record({ page: fc.constantFrom('chat' as const, 'audit' as const), conversationId: fc.constant(null) }),
);

test('a route comes back from its address, below any base', () => {
  fc.assert(
    fc.property(base, route, (where, to) => {
      const address = hrefBelow(formatRoute(to), where);
      expect(address.startsWith(where)).toBe(true);
      expect(parseRoute(pathIn(address, where))).toMatchObject(to);
    }),
  );
});

test('what is not below the base is no route', () => {
  fc.assert(
    fc.property(base, base, route, (mine, theirs, to) => {
      fc.pre(!theirs.startsWith(mine));
      expect(parseRoute(pathIn(hrefBelow(formatRoute(to), theirs), mine)).page === 'missing').toBe(`${theirs}${formatRoute(to)}` !== mine);
    }),
  );
});

test.each([
  ['/tools/chat', '/tools/chat/', '/'],
  ['/tools/chat/', '/tools/chat/', '/'],
  ['/tools/chat/c/1', '/tools/chat/', '/c/1'],
  ['/tools/chatter', '/tools/chat/', ''],
  ['/c/1', '/tools/chat/', ''],
  ['/c/1', '/', '/c/1'],
  ['/', '/', '/'],
])('%s, of a page at %s, is %j', (pathname, where, path) => expect(pathIn(pathname, where)).toBe(path));

test('two installations of one host have no name of storage in common, and a page without a prefix has the names it had', () => {
  expect(storedName('runnel:settings', '/')).toBe('runnel:settings');
  fc.assert(
    fc.property(base, base, (one, other) => {
      fc.pre(one !== other);
      expect(storedName('runnel:draft:', one).startsWith(storedName('runnel:draft:', other))).toBe(false);
    }),
  );
});
