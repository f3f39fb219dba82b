import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileName } from './file-name.ts';

test('a name is one segment of at most 200 bytes that breaks no header and hides no ending', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.string({ unit: fc.constantFrom('a', '/', '\\', '.', 'ữ', '\u202E', '\n'), maxLength: 300 }),
      ),
      (given) => {
        const name = fileName(given);
        expect(name).not.toMatch(/[/\\\p{Cc}\u202A-\u202E\u2066-\u2069]/u);
        expect(name).not.toMatch(/^\.*$/);
        expect(name.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
        expect(fileName(name)).toBe(name);
      },
    ),
  );
});

test('a long name keeps its ending', () => {
  expect(fileName(`${'ữ'.repeat(300)}.pdf`)).toMatch(/^ữ+\.pdf$/);
});
