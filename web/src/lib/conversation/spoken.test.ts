import { expect, test } from 'vitest';
import { spoken } from './spoken.ts';

test.each([
  ['One **two** *three* and `four`.', 'One two three and four.'],
  ['# Title\n\n- one\n- two\n\n1. three\n> four', 'Title one two three four'],
  ['Before\n\n```ts\nconst a = 1;\n\nconst b = 2;\n```\n\nafter.', 'Before … after.'],
  ['An open block\n```\nnever closed\n', 'An open block …'],
  ['| a | b |\n| - | - |\n| 1 | 2 |\n\nThat is it.', '… That is it.'],
  ['Read [this page](https://example.org/a_b) and ![a picture](x.png).', 'Read this page and a picture.'],
  ['The sum is\n\\[\n a^2 \\]\nas known.', 'The sum is … as known.'],
  ['Names like some_name and 2 * 3 stay words.', 'Names like some_name and 2 3 stay words.'],
  ['Câu **trả lời** tiếng Việt', 'Câu trả lời tiếng Việt'],
  ['', ''],
])('%j is heard as %j', (markdown, heard) => {
  expect(spoken(markdown)).toBe(heard);
});

test('no longer than one listens, and cut between words', () => {
  const heard = spoken('word '.repeat(100_000));
  expect(heard.length).toBeLessThan(1_600);
  expect(heard.endsWith('word …')).toBe(true);
  expect(spoken('x'.repeat(9_000)).length).toBeLessThan(1_600);
});

test('what nobody meant comes to an end', () => {
  for (const bad of ['*', '[', '```\n', '| ', '\\[', ' ']) expect(spoken(bad.repeat(50_000)).length).toBeLessThan(1_600);
});
