import { expect, test } from 'vitest';
import { detailsOf, timeOf, toneOf, questionOf, searchOf } from './trail.ts';

test('an event tells what it holds, shortly, and nothing it does not hold', () => {
  const text = { bytes: 12, sha256: 'ab'.repeat(32) };
  const ended = {
    model: 'demo',
    owner: 'ai-2.4f9a0c1d',
    epoch: 2,
    reason: 'complete',
    text,
    usage: { promptTokens: 3, completionTokens: 5 },
  };
  expect(detailsOf({ data: JSON.stringify(ended) })).toEqual([
    ['model', 'demo'],
    ['reason', 'complete'],
    ['owner', 'ai-2'],
    ['epoch', '2'],
    ['bytes', '12'],
    ['tokens', '3 → 5'],
    ['sha256', 'abababababab…'],
  ]);
  expect(detailsOf({ data: JSON.stringify({ message: { messageId: 'm1', text } }) })).toEqual([
    ['bytes', '12'],
    ['messageId', 'm1'],
    ['sha256', 'abababababab…'],
  ]);
  expect(detailsOf({ data: 'not JSON' })).toEqual([]);
});

test('an end, a move and a deletion look different', () => {
  const types = ['CHAT_MESSAGE', 'STREAM_COMPLETED', 'STREAM_CANCELLED', 'STREAM_ERROR', 'SESSION_DELETED'];
  expect(types.map(toneOf)).toEqual(['plain', 'good', 'warn', 'bad', 'bad']);
});

test('an empty time is none', () => {
  expect(timeOf('')).toBeUndefined();
  expect(timeOf('2026-01-02T03:04')).toBe(new Date(2026, 0, 2, 3, 4).getTime());
});

test.each([
  ['', { user: '', from: '', to: '' }, ''],
  ['?user_id=ann', { user: ' ben ', from: '2026-03-14T09:30', to: '' }, '?user_id=ann&who=ben&from=2026-03-14T09%3A30'],
  ['?who=ben&to=x&user_id=ann', { user: '', from: '', to: '' }, '?user_id=ann'],
])('C10 what was asked stands in the address, and nothing else of it changes: %s', (search, question, expected) => {
  const next = searchOf(search, question);
  expect(next).toBe(expected);
  expect(questionOf(next)).toEqual({ ...question, user: question.user.trim() });
});
