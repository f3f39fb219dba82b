import { expect, test } from 'vitest';
import { copyText } from './copy.ts';

test('rows in the format of COPY: columns in order, null apart from the text \\N, nothing that ends a cell or a row too early', () => {
  const rows = [
    { a: 'x\ty', b: 1, c: null },
    { a: '\\N', b: -2, c: 'line\r\nline' },
    { a: '', b: 0, c: 'Chào 🇻🇳' },
  ];
  expect(copyText(rows, ['b', 'a', 'c'])).toBe('1\tx\\ty\t\\N\n-2\t\\\\N\tline\\r\\nline\n0\t\tChào 🇻🇳\n');
});
