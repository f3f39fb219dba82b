import { expect, test } from 'vitest';
import { afterAppend, afterEnd, afterRenew, afterRestore } from './verdict.ts';

test('what the store’s answers mean to an owner', () => {
  const appends = (['appended', 'duplicate', 'gap', 'gone', 'cancelled', 'fenced', 'closed'] as const).map((word) => [
    word,
    afterAppend(word),
  ]);
  expect(Object.fromEntries(appends)).toEqual({
    appended: 'next',
    duplicate: 'next',
    gap: 'restore',
    gone: 'restore',
    cancelled: 'cancel',
    fenced: 'fenced',
    closed: 'fenced',
  });
  const restores = (['restored', 'busy', 'fenced', 'closed'] as const).map((word) => [word, afterRestore(word)]);
  expect(Object.fromEntries(restores)).toEqual({ restored: 'next', busy: 'wait', fenced: 'fenced', closed: 'fenced' });
  const renewals = (['renewed', 'cancelled', 'fenced', 'closed', 'gone'] as const).map((word) => [word, afterRenew(word)]);
  expect(Object.fromEntries(renewals)).toEqual({
    renewed: 'keep',
    cancelled: 'cancel',
    fenced: 'fenced',
    closed: 'fenced',
    gone: 'restore',
  });
});

test.each([
  ['ended', false, 'done'],
  ['ended', true, 'done'],
  ['gap', false, 'restore'],
  // A cancelled text is frozen: the store's length is the truth.
  ['gap', true, 'cut'],
  ['gone', false, 'restore'],
  ['gone', true, 'restore'],
  ['fenced', true, 'fenced'],
  ['closed', false, 'fenced'],
] as const)('an end answered %s (cancelled: %s) means %s', (outcome, cancelled, next) => expect(afterEnd(outcome, cancelled)).toBe(next));
