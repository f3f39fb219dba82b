import type { Message, Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { digestOf } from './parts.ts';
import { storedEnd } from './stored-end.ts';

const run = { runId: 'r1', parentId: 'm1', model: 'count', startedAt: 5 };
const copy = { conversationId: 'c', userId: 'ann', title: 'T', epoch: 2, run };
const usage = { promptTokens: 3, completionTokens: 4 };
const row: Message = { messageId: 'r1', parentId: 'm1', role: 'assistant', text: 'đáp', status: 'complete', createdAt: 5 };

test('B4 the row of a run is its end, with all that is shown of it', () => {
  const part: Part = { partId: 'p', index: 0, at: 0, kind: 'reasoning', state: 'done' };
  const end = storedEnd(copy, [
    { ...row, messageId: 'other' },
    { ...row, finish: 'stop', usage, parts: [part] },
  ]);
  const facts = { reason: 'complete', bytes: 5, sha256: digestOf('đáp'), finish: 'stop', usage, parts: [{ from: 'done', part }] };
  expect(end).toEqual({ ...copy, runId: 'r1', ...facts, text: 'đáp', messages: [] });
});

test.each(['complete', 'cancelled', 'failed', 'interrupted'] as const)('B4 %s is an end', (status) => {
  expect(storedEnd(copy, [{ ...row, status }])).toMatchObject({ reason: status, text: 'đáp' });
});

test.each<Partial<Message>>([{ createdAt: 6 }, { status: 'deleted', text: '' }, { role: 'user' }, { messageId: 'r2' }])(
  'B4 %o is not its end',
  (change) => {
    expect(storedEnd(copy, [{ ...row, ...change }])).toBeNull();
  },
);
