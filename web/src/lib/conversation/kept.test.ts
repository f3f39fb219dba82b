import { emptyConversation, type Message } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { expired, keepable, MOST_KEPT } from './kept.ts';

const message = (n: number, text = 'x'): Message => ({
  ...{ messageId: `m${n}`, parentId: null, role: 'user', text, status: 'complete', createdAt: n },
});
const state = (messages: readonly Message[], change = {}) => ({ ...emptyConversation('c1'), logId: 'l1', offset: 9, messages, ...change });
const many = (count: number, text?: string) => Array.from({ length: count }, (_, n) => message(n, text));

describe('what is kept of a conversation', () => {
  test('a short one is kept as it is, place in the log and running answer included', () => {
    const run = { runId: 'r', parentId: 'm0', model: 'm', epoch: 1, text: 'half', startedAt: 0, bytes: 4, moves: 0 };
    const whole = state(many(2), { run });
    expect(keepable(whole)).toEqual(whole);
  });

  test.each([
    ['many messages', many(500), 100],
    ['long messages', many(50, 'y'.repeat(300_000)), 6],
  ])('of %s the newest are, and that there are more', (_, messages, count) => {
    const kept = keepable(state(messages))!;
    expect([kept.messages.length, kept.messages.at(-1)!.messageId, kept.hasMore]).toEqual([count, messages.at(-1)!.messageId, true]);
  });

  test.each([
    ['has no log', state(many(1), { logId: null })],
    ['is empty', state([])],
    ['ends in a message that is too large', state([message(1), message(2, 'z'.repeat(3_000_000))])],
  ])('nothing is, where it %s', (_, given) => expect(keepable(given)).toBeNull());
});

describe('P-8 what is not kept any longer', () => {
  const listed = ['a', 'b'].map((conversationId) => ({ conversationId, title: '', updatedAt: 1 }));
  test.each([
    ['what the list has not, but for the open one', { a: 1, b: 2, old: 3, deleted: 4 }, listed, 'old', ['deleted']],
    ['nothing while the list is not known', { a: 1, z: 2 }, null, null, []],
    ['all, where the person has none', { a: 1 }, [], null, ['a']],
  ])('%s', (_, index, list, current, gone) => expect(expired(index, list, current)).toEqual(gone));

  test('the oldest, where there are too many', () => {
    const index = Object.fromEntries(Array.from({ length: MOST_KEPT + 2 }, (_, n) => [`c${n}`, n]));
    expect(expired(index, null, null)).toEqual(['c1', 'c0']);
  });
});
