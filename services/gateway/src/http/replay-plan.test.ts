import { expect, test } from 'vitest';
import { stepsOf } from './replay-plan.ts';

test('pieces come at their times, markers between them, the end last, and no character is torn', () => {
  const text = 'một ế hai';
  const length = Buffer.byteLength(text);
  const steps = stepsOf({
    conversationId: 'c1',
    startedAt: 0,
    message: { messageId: 'r1', parentId: 'm1', text },
    // The second cut is inside a letter of three bytes.
    pieces: [
      { ms: 5, at: 0, bytes: 7 },
      { ms: 90, at: 7, bytes: length - 7, hole: true },
    ],
    markers: [
      { ms: 40, what: 'takeover', owner: 'pod-b' },
      { ms: 80, what: 'end', reason: 'complete' },
    ],
  });
  expect(steps.map(({ ms, event }) => [ms, event])).toEqual([
    [5, 'chunk'],
    [40, 'marker'],
    [90, 'chunk'],
    [90, 'end'],
  ]);
  expect(steps.map(({ data }) => ('text' in data ? data.text : '')).join('')).toBe(text);
  expect(steps[2]!.data).toMatchObject({ hole: true });
});
