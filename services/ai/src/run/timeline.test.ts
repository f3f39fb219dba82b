import type { TimelineBatch } from '@runnel/coordination';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Claim } from './run-job.ts';
import { batchMs, createTimeline } from './timeline.ts';

beforeEach(() => void vi.useFakeTimers({ now: 10_000 }));
afterEach(() => void vi.useRealTimers());

const claim = {
  outcome: 'claimed',
  epoch: 2,
  logId: 'log',
  text: 'đã',
  userId: 'ann',
  claimedAt: 10_000,
  run: { runId: 'r1', parentId: 'm1', model: 'count', startedAt: 9_000 },
} as Claim;

test('pieces of a time are told together, and never wait for an answer', async () => {
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
  vi.advanceTimersByTime(150);
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
  expect(told[1]).toMatchObject({ batch: 1, at: 11 + 2_000, chunks: [[2_007, 1_250, 1]] });
});

test('a fast model’s pieces are told before the time is over: none is lost while the store answers', async () => {
  const told: TimelineBatch[] = [];
  const timeline = createTimeline('c1', claim, { noteTimeline: async (batch) => void told.push(batch) });
  for (let i = 0; i < 5_000; i++) {
    timeline.note(5 + i, 1);
    await Promise.resolve().then(() => undefined);
  }
  timeline.close();
  await vi.advanceTimersByTimeAsync(1_100);
  expect(told.flatMap(({ chunks }) => chunks.map(([offset]) => offset))).toEqual(Array.from({ length: 5_000 }, (_, i) => 5 + i));
});

test('what waits behind a note under way when the run ends is told as soon as that is answered', async () => {
  const told: number[] = [];
  const answer = Promise.withResolvers<void>();
  const noteTimeline = ({ chunks }: TimelineBatch): Promise<void> => (told.push(chunks.length), answer.promise);
  const timeline = createTimeline('c1', claim, { noteTimeline });
  timeline.note(5, 1);
  vi.advanceTimersByTime(1_000);
  timeline.note(6, 1);
  timeline.note(7, 1);
  timeline.close();
  expect(told).toEqual([1]);
  answer.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([1, 2]);
});

test('each batch is gathered twice as long as the one before, five seconds at most', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 2_000].map(batchMs)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
});

test.each([1, 3, 20, 100])('a minute at %i words a second is told in few batches, and a kill leaves a short hole', async (words) => {
  const told: { after: number; until: number }[] = [];
  const noteTimeline = async ({ chunks }: TimelineBatch): Promise<void> =>
    void told.push({ after: Date.now() - 10_000, until: chunks.at(-1)![1] - 1_000 });
  const timeline = createTimeline('c1', claim, { noteTimeline });
  for (let i = 0; i < 60 * words; i++) {
    timeline.note(5 + i, 4);
    await vi.advanceTimersByTimeAsync(1_000 / words);
    const hole = Date.now() - 10_000 - (told.at(-1)?.until ?? 0);
    expect(hole).toBeLessThanOrEqual(Math.min(5_000, told.at(-1)?.after ?? 0) + 250 + 1_000 / words);
  }
  expect(told.length).toBeLessThanOrEqual(18);
});

test.each([-600_000, 0, 600_000, 86_400_000])('B18 times are the run’s, with a pod whose clock is %i ms off', (off) => {
  vi.setSystemTime(10_000 + off);
  const told: TimelineBatch[] = [];
  const timeline = createTimeline('c1', claim, { noteTimeline: async (batch) => void told.push(batch) });
  timeline.note(1, 1);
  // The date is set while the answer runs.
  vi.setSystemTime(10_000 - off);
  vi.advanceTimersByTime(100);
  timeline.note(2, 1);
  timeline.close();
  expect(told.flatMap(({ chunks }) => chunks.map(([, ms]) => ms))).toEqual([1_000, 1_100]);
});
