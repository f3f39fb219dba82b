import { PROMPT_NAME as NAME_OF_THE_WIRE, RECORD_CHARS } from '@runnel/protocol/http';
import { describe, expect, test } from 'vitest';
import { REASON_CHARS } from './reason.ts';
import { newsOf, PROMPT_CHARS, PROMPT_NAME, problemOf, promptsFor } from './prompts.ts';

const prompt = (name: string, text = 'x', updatedAt = 1) => ({ name, text, updatedAt });
const names = (typed: string) =>
  promptsFor([prompt('tóm-tắt', 'Tóm tắt:'), prompt('mail', 'A short letter'), prompt('đường')], typed).map((p) => p.name);

test('a name and a text are what the server takes', () => {
  expect(PROMPT_NAME.source).toBe(new RegExp(NAME_OF_THE_WIRE, 'u').source);
  expect(PROMPT_CHARS).toBe(RECORD_CHARS.promptText);
  expect(REASON_CHARS).toBe(RECORD_CHARS.reason);
});

test('what is typed finds names first, then texts, without accents', () => {
  expect(names('tom')).toEqual(['tóm-tắt']);
  expect(names('duong')).toEqual(['đường']);
  expect(names('T')).toEqual(['tóm-tắt', 'mail']);
  expect(names('')).toHaveLength(3);
  expect(names('nothing')).toEqual([]);
});

test.each([
  ['a b', 'x', 'name'],
  ['', 'x', 'name'],
  ['-a', 'x', 'name'],
  ['a'.repeat(41), 'x', 'name'],
  ['mail', 'x', 'taken'],
  // The same letters, put together in another way.
  ['tóm'.normalize('NFD'), 'x', 'taken'],
  ['new', ' \n', 'text'],
  ['new', 'x'.repeat(5_001), 'tooLong'],
  ['new', '😀'.repeat(5_000), null],
  [' new ', 'x', null],
])('%j with its text: %#', (name, text, problem) => {
  expect(problemOf({ before: null, name, text }, [prompt('mail'), prompt('tóm')])).toBe(problem);
});

describe('what another device did while the form was open', () => {
  const before = prompt('mail');
  const draft = { before, name: 'letter', text: 'y' };
  test.each([
    ['nothing', [before], null],
    ['changed it', [prompt('mail', 'z', 2)], 'changed'],
    ['deleted it', [], 'gone'],
  ])('%s', (_, now, news) => expect(newsOf(draft, now)).toBe(news));
  test('to a new one nothing', () => expect(newsOf({ ...draft, before: null }, [])).toBe(null));
  test('its own name is not taken', () => expect(problemOf({ ...draft, name: 'mail' }, [before])).toBe(null));
});
