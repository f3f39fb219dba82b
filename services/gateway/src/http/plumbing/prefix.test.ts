import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { missingSlash, pageBelow, prefixOf, prefixProblems, withoutPrefix } from './prefix.ts';

const HOST = 'https://example.org';
const problems = (path: string): string[] => prefixProblems({ publicUrl: HOST + path });

describe('the prefix of PUBLIC_URL', () => {
  test.each([
    [undefined, ''],
    [HOST, ''],
    [`${HOST}/`, ''],
    [`${HOST}/tools/chat`, '/tools/chat'],
    [`${HOST}/tools/chat//`, '/tools/chat'],
  ])('%s: %j', (publicUrl, prefix) => expect(prefixOf(publicUrl)).toBe(prefix));

  test.each(['', '/', '/tools/chat', '/tools/chat/', '/chat-2/v1', '/a.b/c_d', '/cc', '/apis', '/x/api'])('%j can be served', (path) =>
    expect(problems(path)).toEqual([]),
  );
  test.each([
    '/api',
    '/API/x',
    '/ws',
    '/v1/chat',
    '/c',
    '/audit',
    '/assets/chat',
    '/a b',
    '/%2f',
    '/a//b',
    '/.hidden',
    '/"x',
    '/a$b',
    '/é',
    '/a?x=1',
    '/a#x',
    `/${'x'.repeat(300)}`,
  ])('%j is refused, in words', (path) => expect(problems(path)).not.toEqual([]));
});

const segment = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,9}$/);
const prefixes = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`)
  .filter((prefix) => problems(prefix).length === 0);
const targets = fc
  .tuple(
    fc.constantFrom('/', '/api/me', '/ws/chat', '/v1/chat/completions', '/c/x', '/audit', '/assets/a.js', '/sw.js', '/api/files/a%2fb'),
    fc.constantFrom('', '?', '?a=b', '?return=%2Fc%2F1'),
  )
  .map(([path, query]) => path + query);

describe('a proxy that takes the prefix away and one that does not', () => {
  test('ask for the same thing', () => {
    fc.assert(
      fc.property(prefixes, targets, (prefix, target) => {
        // Only a file of the page itself could be called as the first part of the prefix.
        fc.pre(!target.startsWith(`${prefix}?`) && !target.startsWith(`${prefix}/`) && target !== prefix);
        expect(withoutPrefix(prefix + target, prefix)).toBe(target);
        expect(withoutPrefix(target, prefix)).toBe(target);
      }),
    );
  });

  test('what only looks like the prefix is not it', () => {
    fc.assert(
      fc.property(prefixes, segment, targets, (prefix, more, target) => {
        expect(withoutPrefix(prefix + more + target, prefix)).toBe(prefix + more + target);
        expect(withoutPrefix(target, '')).toBe(target);
      }),
    );
  });

  test('a target that has nothing below it is the page', () => {
    expect(withoutPrefix('/tools/chat', '/tools/chat')).toBe('/');
    expect(withoutPrefix('/tools/chat?a=b', '/tools/chat')).toBe('/?a=b');
  });

  test('whatever is sent, the routes get a target that begins with a slash, and never a longer one', () => {
    fc.assert(
      fc.property(prefixes, fc.string(), (prefix, rest) => {
        const found = withoutPrefix(`/${rest}`, prefix);
        expect(found.startsWith('/')).toBe(true);
        expect(found.length).toBeLessThanOrEqual(rest.length + 1);
      }),
    );
  });
});

test.each([
  ['/tools/chat', '/tools/chat/'],
  ['/tools/chat?a=b?c', '/tools/chat/?a=b?c'],
  ['/tools/chat/', null],
  ['/tools/chatter', null],
  ['/', null],
])('%s without its slash: %j', (target, to) => expect(missingSlash(target, '/tools/chat')).toBe(to));
test('without a prefix no slash is missing', () => expect(missingSlash('/', '')).toBeNull());

test('each address of the page is below the prefix, and words are not touched', () => {
  const html = '<link href="/a.svg"><meta name="base" content="/"><script src="/assets/x.js"></script><p>a/b ="x"</p>';
  expect(pageBelow(html, '/tools/chat')).toBe(
    '<link href="/tools/chat/a.svg"><meta name="base" content="/tools/chat/"><script src="/tools/chat/assets/x.js"></script><p>a/b ="x"</p>',
  );
  expect(pageBelow(html, '')).toBe(html);
});
