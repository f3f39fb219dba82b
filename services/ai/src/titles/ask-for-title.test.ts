import type { StoredMessage } from '@runnel/coordination';
import { titleOf } from '@runnel/coordination';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EndedRun } from '../runs/ended-runs.ts';
import { titleRequest, untitledBy } from './ask-for-title.ts';

const asked = (text: string, change: Partial<StoredMessage> = {}): StoredMessage => ({
  ...{ messageId: 'm1', parentId: null, role: 'user', text, status: 'complete', createdAt: 1 },
  ...change,
});
const endOf = (change: Partial<EndedRun> = {}, text = 'What is a river?'): EndedRun => ({
  ...{ conversationId: 'c', runId: 'r', userId: 'ann', epoch: 1, reason: 'complete', bytes: 1, sha256: '', text: 'Water that runs.' },
  title: titleOf(text),
  run: { runId: 'r', parentId: 'm1', model: 'm', startedAt: 1 },
  messages: [asked(text)],
  ...change,
});

test('the first question, answered whole, while its first words are the title', () => {
  expect(untitledBy(endOf(), false)).toEqual({
    ...{ conversationId: 'c', userId: 'ann', promptId: 'm1', runId: 'r', expected: 'What is a river?' },
    ...{ question: 'What is a river?', answer: 'Water that runs.' },
  });
});

test('the first words are known again whatever they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (text) => {
      const end = endOf({}, text.toWellFormed());
      expect(untitledBy(end, false) !== null).toBe(end.title !== '');
    }),
  );
  for (const text of ['今日　は\u00A0どう', '  a \t b\nc', 'x'.repeat(500)]) expect(untitledBy(endOf({}, text), false)).not.toBeNull();
});

test.each<[string, Partial<EndedRun>]>([
  ['is called something else', { title: 'Mine' }],
  ['is called by a part of it', { title: 'What is' }],
  ['is called nothing', { title: '' }],
  ['was cancelled', { reason: 'cancelled' }],
  ['failed', { reason: 'failed' }],
  ['was interrupted', { reason: 'interrupted' }],
  ['got an empty answer', { text: ' \n' }],
  ['is no first one', { messages: [asked('x', { messageId: 'm0' }), asked('What is a river?', { parentId: 'm0' })] }],
  ['follows one that is not here', { messages: [asked('What is a river?', { parentId: 'm0' })] }],
  ['was deleted', { messages: [asked('What is a river?', { status: 'deleted' })] }],
  ['is not of a person', { messages: [asked('What is a river?', { role: 'system' })] }],
  ['is another', { run: { runId: 'r', parentId: 'm2', model: 'm', startedAt: 1 } }],
  ['is not here', { messages: [] }],
  ['stands in no list', { conversationId: 'api__1' }],
])('nothing is asked for a question that %s', (_, change) => expect(untitledBy(endOf(change), false)).toBeNull());

test('nothing is asked for who calls an API with a request of its own', () => expect(untitledBy(endOf(), true)).toBeNull());

test('of a long question and a long answer the model gets the beginning, and no half character', () => {
  const untitled = untitledBy(endOf({ text: '漢'.repeat(1_000_000) }, '😀'.repeat(100_000)), false)!;
  expect(Buffer.byteLength(untitled.question)).toBe(2_000);
  expect(untitled.answer).toBe('漢'.repeat(666));
  const [, told] = titleRequest(untitled);
  expect(Buffer.byteLength(told!.text)).toBeLessThan(4_200);
});
