import { createMemoryRunLog, digestOf } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { PART_STATES, type Part } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { decideOn, decidePart } from './decide.ts';

const INPUT = '{"to":"bob"}';
const tool: Part = { partId: 'p', index: 0, at: 0, kind: 'tool', state: 'waiting', name: 'send', server: 's', input: INPUT };
const question: Part = { partId: 'q', index: 1, at: 0, kind: 'question', state: 'waiting', text: 'Which?' };
const shown = { inputSha256: digestOf(INPUT) };
const on = (part: Part, command: Parameters<typeof decideOn>[1]) => decideOn(part, command, 'ann', 9);

describe('W-18 a decision names what it decides', () => {
  test('what was shown is approved, by whom and when', () => {
    expect(on(tool, { decision: 'approve', ...shown })).toMatchObject({
      part: { state: 'approved', approval: { decision: 'approved', by: 'ann', at: 9 }, input: INPUT },
    });
    expect(on(tool, { decision: 'deny', text: ' not now ' })).toMatchObject({ part: { state: 'denied', note: 'not now', endedAt: 9 } });
  });

  test('another input than the stored one is stale, whatever the decision', () => {
    const other = { inputSha256: digestOf('{"to":"eve"}') };
    expect(on(tool, { decision: 'approve', ...other })).toBe('stale');
    expect(on(tool, { decision: 'deny', ...other })).toBe('stale');
    expect(on({ ...tool, state: 'unknown' }, { decision: 'retry', ...other })).toBe('stale');
  });

  test('what nobody knows is tried again or left', () => {
    const lost = { ...tool, state: 'unknown' as const };
    expect(on(lost, { decision: 'retry', ...shown })).toMatchObject({ part: { state: 'approved' } });
    expect(on(lost, { decision: 'skip' })).toMatchObject({ part: { state: 'failed', error: { code: 'outcome-unknown' } } });
  });

  test('a question is answered or left', () => {
    expect(on(question, { decision: 'answer', text: 'This one' })).toMatchObject({ part: { state: 'answered', answer: 'This one' } });
    expect(on(question, { decision: 'skip' })).toMatchObject({ part: { state: 'dismissed' } });
  });

  test.each([
    ['approve without what was shown', tool, { decision: 'approve' as const }],
    ['retry of what waits', tool, { decision: 'retry' as const, ...shown }],
    ['an answer to a call', tool, { decision: 'answer' as const, text: 'x' }],
    ['an answer without a text', question, { decision: 'answer' as const, text: ' ' }],
    ['approval of a question', question, { decision: 'approve' as const, ...shown }],
    ['a thought', { ...question, kind: 'reasoning' as const }, { decision: 'skip' as const }],
  ])('%s is bad-frame', (_name, part, command) => {
    expect(() => on(part, command)).toThrow(expect.objectContaining({ code: 'bad-frame' }));
  });

  test.each(PART_STATES.filter((state) => !['waiting', 'unknown', 'input', 'ready', 'open'].includes(state)))(
    'the first decision wins: %s is decided already',
    (state) => expect(on({ ...tool, state }, { decision: 'approve', ...shown })).toBe('already-decided'),
  );
});

test('W-17 a question that a changed store does not have is not said to be none: it may be asked again', async () => {
  const store = new MemoryStore(Date.now, 100);
  const runLog = createMemoryRunLog({ store });
  const run = { conversationId: 'c', runId: 'r' };
  await runLog.beginRun({ ...run, userId: 'ann', model: 'count', title: '', message: { messageId: 'm', text: 'hi' } });
  const decide = () => decidePart(runLog, 'ann', { ...run, partId: 'p', decision: 'approve', ...shown });
  await expect(decide()).rejects.toMatchObject({ code: 'not-found' });
  store.raise();
  await expect(decide()).rejects.toMatchObject({ code: 'unavailable' });
});
