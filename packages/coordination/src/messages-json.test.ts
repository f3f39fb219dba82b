import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toLuaJson } from './messages.ts';

test('S-2 JSON for Lua has no lone surrogate, and is otherwise what JSON says', () => {
  const value = fc.jsonValue({ stringUnit: 'binary' });
  fc.assert(
    fc.property(value, (whole) => {
      const json = toLuaJson(whole);
      expect(json).not.toMatch(/(?<!\\)(\\\\)*\\ud[89a-f]/);
      expect(JSON.parse(json)).toEqual(
        JSON.parse(
          JSON.stringify(whole)
            .toWellFormed()
            .replaceAll(/(?<=(?<!\\)(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '\ufffd'),
        ),
      );
    }),
  );
  expect(toLuaJson({ a: '\\ud800', b: '\ud800', c: '😀' })).toBe('{"a":"\\\\ud800","b":"\ufffd","c":"😀"}');
});
