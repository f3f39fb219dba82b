import type { TimelineBatch } from '@runnel/coordination';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Claim } from './generate.ts';
import { createTimeline } from './timeline.ts';

beforeEach(() => void vi.useFakeTimers({ now: 10_000 }));
afterEach(() => void vi.useRealTimers());

const claim = {
  outcome: 'claimed',
  epoch: 2,
  logId: 'log',
  text: 'đã',
  userId: 'ann',
  run: { runId: 'r1', parentId: 'm1', model: 'count', startedAt: 9_000 },
} as Claim;

test('pieces of a second are told together, and never wait for an answer', async () => {
  const told: TimelineBatch[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const noteTimeline = (batch: TimelineBatch): Promise<void> => {
    told.push(batch);
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  };
  const timeline = createTimeline('c1', claim, { noteTimeline });
  timeline.note(5, 3);
  vi.advanceTimersByTime(100);
  timeline.note(6, 4);
  vi.advanceTimersByTime(900);
  const head = { conversationId: 'c1', runId: 'r1', epoch: 2, startedAt: 9_000 };
  expect(told).toMatchObject([
    {
      ...head,
      batch: 0,
      at: 4,
      chunks: [
        [5, 1_000, 3],
        [6, 1_100, 4],
      ],
    },
  ]);
  // The store hangs: pieces wait, a bounded number of them, and the rest is a hole.
  for (let i = 0; i < 2_001; i++) timeline.note(7 + i, 1);
  vi.advanceTimersByTime(5_000);
  expect(told.length).toBe(1);
  answers[0]!.reject(new Error('down'));
  await vi.advanceTimersByTimeAsync(1_100);
  expect(told[1]).toMatchObject({ batch: 1, at: 11 + 2_000, chunks: [[2_007, 2_000, 1]] });
});
