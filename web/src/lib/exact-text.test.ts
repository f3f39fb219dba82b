import { expect, test } from 'vitest';
import { exactRuns } from './exact-text.ts';

const shown = (text: string): string =>
  exactRuns(text)
    .map((run) => (run.hidden ? `[${run.text}]` : run.text))
    .join('');

test('what anybody can read stays as it is', () => {
  for (const text of ['', '{"to": "mẹ"}\n\t{}', 'שלום 你好 😀']) expect(shown(text)).toBe(text);
  expect(exactRuns('{"a":1}')).toEqual([{ text: '{"a":1}', hidden: false }]);
});

test('W-18 what would hide or turn its neighbours around is named', () => {
  expect(shown('a\u202eb')).toBe('a[U+202E]b');
  expect(shown('pay\u200b100\u0000\u00ad')).toBe('pay[U+200B]100[U+0000][U+00AD]');
  expect(shown('x\u{e0041}\u3164\u2028')).toBe('x[U+E0041][U+3164][U+2028]');
});
