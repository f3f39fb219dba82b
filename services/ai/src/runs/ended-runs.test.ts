import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndedRuns, KEEP_MS, type EndedRun } from './ended-runs.ts';

const endOf = (runId: string, text: string): EndedRun => ({
  conversationId: 'c',
  runId,
  epoch: 1,
  userId: 'ann',
  title: 'T',
  run: { runId, parentId: 'm', model: 'count', startedAt: 1 },
  reason: 'complete',
  bytes: text.length,
  sha256: '',
  text,
  messages: [],
});

test('B4 a pod keeps its ends for five minutes', () => {
  const ended = new EndedRuns();
  ended.add(endOf('a', 'abc'), 0);
  expect(ended.find({ conversationId: 'c', runId: 'a' }, KEEP_MS - 1)?.text).toBe('abc');
  expect(ended.find({ conversationId: 'other', runId: 'a' }, 0)).toBeUndefined();
  expect(ended.find({ conversationId: 'c', runId: 'a' }, KEEP_MS)).toBeUndefined();
  expect(ended.all(KEEP_MS)).toEqual([]);
  // What is over goes when the next comes.
  const before = ended.bytes;
  ended.add(endOf('b', 'abc'), KEEP_MS);
  expect(ended.bytes).toBe(before);
});

test('B4 what a pod keeps of its ends is bounded in bytes: the oldest go, and what is counted is what is there', () => {
  const entry = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 4_000 }), fc.integer({ min: 0, max: KEEP_MS / 4 }));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), (story) => {
      const limit = 10_000;
      const ended = new EndedRuns(limit);
      let now = 0;
      for (const [id, length, later] of story) {
        now += later;
        ended.add(endOf(`r${id}`, 'x'.repeat(length)), now);
        const all = ended.all(now);
        expect(ended.bytes).toBeLessThanOrEqual(limit);
        expect(all.at(-1)?.runId).toBe(`r${id}`);
        expect(new Set(all.map(({ runId }) => runId)).size).toBe(all.length);
      }
      for (const end of ended.all(now)) ended.forget(end);
      expect(ended.all(now)).toEqual([]);
    }),
  );
});

test('B4 what was deleted is kept of no end: the ends of a conversation go, of a message the words', () => {
  const secret = {
    messageId: 'm',
    parentId: null,
    role: 'user' as const,
    text: 'a  secret question',
    status: 'complete' as const,
    createdAt: 1,
  };
  const ended = new EndedRuns();
  const again = (): void => {
    for (const conversationId of ['c', 'other'])
      ended.add({ ...endOf('a', 'told'), conversationId, title: 'a secret…', messages: [secret] }, 0);
  };
  again();
  ended.withhold({ conversationId: 'c', messageId: 'm' });
  const [other, without] = [ended.find({ conversationId: 'other', runId: 'a' }, 1), ended.find({ conversationId: 'c', runId: 'a' }, 1)];
  expect(without).toMatchObject({ text: 'told', title: '', messages: [{ messageId: 'm', text: '', status: 'deleted' }] });
  expect(other).toMatchObject({ text: 'told', title: 'a secret…', messages: [secret] });
  ended.withhold({ conversationId: 'c', messageId: 'a' });
  expect(ended.find({ conversationId: 'c', runId: 'a' }, 1)).toMatchObject({ text: '', bytes: 0, reason: 'complete' });
  again();
  ended.withhold({ conversationId: 'c' });
  expect(ended.all(1)).toMatchObject([{ conversationId: 'other', text: 'told' }]);
});
