import { expect, test } from 'vitest';
import { snippetOf } from './snippet.ts';

const marked = (text: string, query: string, most?: number): string =>
  snippetOf(text, query, most)
    .map((part) => (part.hit ? `[${part.text}]` : part.text))
    .join('');

test('words are found with and without diacritics, both ways', () => {
  expect(marked('Đường đến Huế', 'duong hue')).toBe('[Đường] đến [Huế]');
  expect(marked('duong den hue', 'ĐƯỜNG')).toBe('[duong] den hue');
  expect(marked('Tiếng Việt'.normalize('NFD'), 'tieng viet').normalize('NFC')).toBe('[Tiếng] [Việt]');
});

test('the last word may be a beginning, the others may not', () => {
  expect(marked('rivers run in river beds', 'river')).toBe('[river]s run in [river] beds');
  expect(marked('rivers run', 'river ru')).toBe('rivers [ru]n');
});

test('a long text is cut around the first hit, at words', () => {
  const text = `${'before '.repeat(20)}needle ${'after '.repeat(40)}`;
  expect(marked(text, 'needle', 60)).toBe('…before before before before before [needle] after after after…');
});

test('marks of Markdown are left out, and no hit is just the beginning', () => {
  expect(marked('## A **bold**\n\n```ts\nword\n```', 'bold')).toBe('A [bold] word');
  expect(marked('nothing here', '🤔')).toBe('nothing here');
  expect(marked('emoji 🌊 wave', 'wave')).toBe('emoji 🌊 [wave]');
});
