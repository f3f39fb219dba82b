import { expect, test } from 'vitest';
import { ask } from '../../../testing/streams.ts';
import { skipRepeatedBlanks, turnsOf } from './thread.ts';

test('the prefix is the last turn of the assistant, when there is one', () => {
  expect(turnsOf(ask('hi'))).toEqual([{ role: 'user', text: 'hi' }]);
  expect(turnsOf(ask('hi', ' \n'))).toEqual([{ role: 'user', text: 'hi' }]);
  expect(turnsOf(ask('hi', 'a \n'))).toEqual([
    { role: 'user', text: 'hi' },
    { role: 'assistant', text: 'a' },
  ]);
});

test.each([
  ['a ', [' b', 'c'], ['b', 'c']],
  ['a ', ['b', ' c'], ['b', ' c']],
  ['a\n\n', ['\n', '\nb', '\n'], ['', 'b', '\n']],
  ['a\n', [' ', '\n'], [' ', '\n']],
  ['a', [' b'], [' b']],
  ['', [' b'], [' b']],
])('blanks at the end of the prefix %j stand once', (prefix, texts, shown) => {
  expect(texts.map(skipRepeatedBlanks(prefix))).toEqual(shown);
});
