import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Replay } from '@runnel/protocol/http';
import { stepsOf } from './replay-plan.ts';

const answer = (messageId: string, parentId: string | null, text: string): Replay['message'] => ({
  ...{ messageId, parentId, text, role: 'assistant', status: 'complete', model: 'count', createdAt: 0 },
});

test('pieces come at their times, markers between them, the end last, and no character is torn', () => {
  const text = 'một ế hai';
  const length = Buffer.byteLength(text);
  const steps = stepsOf({
    conversationId: 'c1',
    startedAt: 0,
    message: answer('r1', 'm1', text),
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

test('B19 a replay says the same bytes as the answer, cut anywhere, also a leading U+FEFF', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.boolean(), fc.array(fc.integer({ min: 1, max: 4 })), (said, mark, cuts) => {
      const text = `${mark ? '\uFEFF' : ''}${said}`.toWellFormed();
      const length = Buffer.byteLength(text);
      const pieces: Replay['pieces'] = [];
      let at = 0;
      for (const bytes of [...cuts, length]) {
        if (at < length) pieces.push({ ms: at, at, bytes: Math.min(bytes, length - at) });
        at += bytes;
      }
      const steps = stepsOf({ conversationId: 'c', startedAt: 0, message: answer('r', null, text), pieces, markers: [] });
      expect(steps.map(({ data }) => (data as { text?: string }).text ?? '').join('')).toBe(text);
    }),
  );
});

test('W-16 parts come at the times at which their states changed, between the pieces of the text', () => {
  const call = { partId: 'p0', index: 0, at: 2, kind: 'tool' as const };
  const steps = stepsOf({
    ...{ conversationId: 'c1', startedAt: 0, message: answer('r1', 'm1', 'abcd') },
    pieces: [
      { ms: 5, at: 0, bytes: 2 },
      { ms: 90, at: 2, bytes: 2 },
    ],
    markers: [{ ms: 95, what: 'end', reason: 'complete' }],
    parts: [
      { ms: 20, part: { ...call, state: 'waiting' } },
      { ms: 80, part: { ...call, state: 'done', output: '7' } },
    ],
  });
  expect(steps.map(({ ms, event }) => [ms, event])).toEqual([
    ...[
      [5, 'chunk'],
      [20, 'part'],
      [80, 'part'],
      [90, 'chunk'],
    ],
    [95, 'end'],
  ]);
  expect(steps[2]!.data).toEqual({ runId: 'r1', part: { ...call, state: 'done', output: '7' } });
});
