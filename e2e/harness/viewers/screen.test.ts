import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ConversationEvent, LogEvent } from './events.ts';
import { countText, Expected } from './expected.ts';
import { Screen } from './screen.ts';

const FULL = countText(3);
const base = { conversationId: 'c' };
const snapshot = (change: object = {}): ConversationEvent => ({
  ...base,
  type: 'snapshot',
  logId: 'L',
  offset: 1,
  title: '',
  messages: [],
  run: null,
  hasMore: false,
  ...change,
});
const started: LogEvent = { ...base, type: 'run-started', offset: 2, runId: 'r', parentId: null, epoch: 1 };
const chunk = (offset: number, at: number, text: string): LogEvent => ({ ...base, type: 'chunk', offset, runId: 'r', at, text, t: 0 });
const ended = (offset: number, text: string): LogEvent => ({
  ...base,
  type: 'run-ended',
  offset,
  runId: 'r',
  reason: 'complete',
  bytes: text.length,
  sha256: createHash('sha256').update(text).digest('hex'),
});

const show = (...events: ConversationEvent[]): Screen => {
  const expected = new Expected();
  expected.add({ conversationId: 'c', runId: 'r', messageId: 'm', words: 3, endings: ['complete'] });
  const screen = new Screen('viewer', 'c', expected);
  screen.asked();
  events.forEach((event) => screen.apply(event));
  return screen;
};

describe('a screen forgives nothing', () => {
  test('P-1 a whole answer is accepted, also when chunks were merged', () => {
    const merged = { ...chunk(4, 7, ' w000002 w000003'), from: 4 };
    const screen = show(snapshot(), started, chunk(3, 0, 'w000001'), merged, ended(5, FULL));
    expect(screen.violations).toEqual([]);
    expect(screen.finished.get('r')?.text).toBe(FULL);
  });
  test.each<[string, string, ConversationEvent[]]>([
    ['a missing event', 'W-7: gap', [snapshot(), started, chunk(4, 0, 'w000001')]],
    ['a chunk in the wrong place', 'W-9', [snapshot(), started, chunk(3, 1, 'w000001')]],
    ['a repeated word', 'P-1', [snapshot(), started, chunk(3, 0, 'w000001'), chunk(4, 7, ' w000001')]],
    ['an answer that stops early', 'P-1', [snapshot(), started, chunk(3, 0, 'w000001'), ended(4, 'w000001')]],
    ['a wrong digest', 'W-10', [snapshot(), started, chunk(3, 0, 'w000001'), ended(4, 'w000002')]],
    ['a chunk after the end', 'P-2', [snapshot(), started, chunk(3, 0, FULL), ended(4, FULL), chunk(5, 23, 'x')]],
    ['a second end', 'P-2', [snapshot(), started, chunk(3, 0, FULL), ended(4, FULL), ended(5, FULL)]],
    ['an event before the snapshot', 'W-7', [started]],
    ['live at another offset', 'W-7', [snapshot(), { ...base, type: 'live', logId: 'L', offset: 5 }]],
    ['another log without a snapshot', 'W-13', [snapshot(), { ...started, logId: 'M' }]],
    ['a snapshot from the past', 'goes back', [snapshot(), started, snapshot({ offset: 1 })]],
    ['a shown run that disappears', 'W-11', [snapshot(), started, snapshot({ offset: 3 })]],
    [
      'a run that runs again after its end',
      'P-2',
      [
        snapshot(),
        started,
        chunk(3, 0, FULL),
        ended(4, FULL),
        snapshot({ offset: 5, run: { runId: 'r', parentId: null, epoch: 2, text: '' } }),
      ],
    ],
    ['a second run meanwhile', 'W-5', [snapshot(), started, { ...started, offset: 3, runId: 'q' }]],
  ])('%s is a violation', (_, rule, events) => {
    expect(show(...events).violations.join()).toContain(rule);
  });
  test('W-8 an event that is not above the own offset is dropped', () => {
    const screen = show(snapshot(), started, started);
    expect(screen.violations).toEqual([]);
    expect(screen.stats.old).toBe(1);
  });
});
