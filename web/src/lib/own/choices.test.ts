import { describe, expect, test } from 'vitest';
import { choicesIn, CHOICES, patchOf, readUnsent, type Choices } from './choices.ts';

const ALL: Choices = { theme: 'dark', locale: 'vi', sendKey: 'mod-enter', sidebar: false };

test('what is told to the server comes back as what was chosen', () => {
  const patch = patchOf(ALL, CHOICES);
  expect(patch).toEqual({ theme: 'dark', language: 'vi', sendKey: 'mod-enter', sidebar: 'closed' });
  expect(choicesIn(patch as object)).toEqual(ALL);
  expect(patchOf({ ...ALL, locale: null }, ['locale'])).toEqual({ language: null });
  expect(patchOf(ALL, [])).toEqual({});
});

test('what was never chosen, or is of a later release, leaves the device’s own', () => {
  expect(choicesIn({})).toEqual({});
  const later = { theme: 'sepia', language: 'fr', sendKey: 'space', sidebar: 'left', font: 'large' };
  expect(choicesIn(later as object)).toEqual({});
  expect(choicesIn({ ...later, sidebar: 'open' } as object)).toEqual({ sidebar: true });
});

describe('what has not reached the server', () => {
  test.each([
    ['theirs', JSON.stringify({ userId: 'ann', choices: ['theme', 'font', 'sidebar'] }), ['theme', 'sidebar']],
    ['somebody else’s', JSON.stringify({ userId: 'bob', choices: ['theme'] }), []],
    ['nothing', null, []],
    ['not JSON', '{', []],
    ['not ours', '{"userId":"ann","choices":"theme"}', []],
    ['a number', '7', []],
  ])('%s', (_, stored, expected) => expect(readUnsent(stored, 'ann')).toEqual(expected));
});
