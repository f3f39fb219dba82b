import { expect, test } from 'vitest';
import { choicesFor, type Choice } from './palette.ts';

const choices: Choice[] = ['New chat', 'Đi chợ sông Hàn', 'A new river', 'Audit trail'].map((title) => ({
  id: title,
  kind: 'command',
  title,
}));
const titles = (query: string): string[] => choicesFor(choices, query).map(({ title }) => title);

test('finds by words in any order, without accents, beginnings first', () => {
  expect(titles('')).toHaveLength(4);
  expect(titles('new')).toEqual(['New chat', 'A new river']);
  expect(titles('river new')).toEqual(['A new river']);
  expect(titles('di song')).toEqual(['Đi chợ sông Hàn']);
  expect(titles('nothing')).toEqual([]);
  expect(
    choicesFor(
      Array.from({ length: 5_000 }, (_, i): Choice => ({ id: `${i}`, kind: 'conversation', title: `Talk ${i}` })),
      'talk',
    ),
  ).toHaveLength(30);
});
