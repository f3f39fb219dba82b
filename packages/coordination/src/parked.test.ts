import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { asCopied } from './parked.ts';

const call: Part = { partId: 'p', index: 0, at: 0, kind: 'tool', state: 'running', attempt: 1, asks: { forms: ['f'], rounds: 1 } };
const question: Part = { partId: 'q', index: 1, at: 0, kind: 'question', state: 'waiting', text: 'Who?', of: 'p' };

test('W-19 a call whose tool had asked comes back waiting, and as being called when all was answered', () => {
  expect(asCopied([call, question])).toEqual([call, question]);
  const { asks: _, ...called } = call;
  const answered: Part = { ...question, state: 'answered', answer: 'ann' };
  expect(asCopied([call, answered])).toEqual([called, answered]);
});

test('W-19 a call that was approved comes back as being called', () => {
  const { asks: _, ...rest } = call;
  expect(asCopied([{ ...rest, state: 'approved', attempt: 0 }])).toMatchObject([{ state: 'running', attempt: 1 }]);
});
