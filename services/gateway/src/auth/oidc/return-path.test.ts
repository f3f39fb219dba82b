import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { returnTo } from './return-path.ts';

const HOST = 'https://chat.example';
describe('A-13 coming back never leads elsewhere', () => {
  test.each([
    ['/c/1?a=b#m1', '/c/1?a=b#m1'],
    ['/', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['https://evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/api/sign-in/start', '/'],
    ['/c/../api/sign-out', '/'],
    ['/%2F/evil.example', '/%2F/evil.example'],
    ['', '/'],
    [undefined, '/'],
    [['/a', '/b'], '/'],
    [`/${'x'.repeat(2000)}`, '/'],
  ])('%j', (wanted, path) => {
    expect(returnTo(wanted, HOST).href).toBe(HOST + path);
  });

  test.each([
    ['/runnel/c/1', '/runnel/c/1'],
    ['/runnel', '/runnel'],
    ['/other/c/1', '/runnel/'],
    ['/runnel/../other', '/runnel/'],
    ['/runnelx', '/runnel/'],
  ])('behind a path prefix: %s', (wanted, path) => {
    expect(returnTo(wanted, `${HOST}/runnel`).href).toBe(HOST + path);
  });

  test('whatever is asked for', () => {
    const piece = fc.oneof(
      fc.constantFrom('/', '\\', '//', '@', ':', 'evil.example', '..', '\t', '\n', 'http:', '%2f', '#', '?'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        expect(returnTo(pieces.join(''), HOST).origin).toBe(HOST);
      }),
    );
  });
});
