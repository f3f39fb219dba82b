import { describe, expect, test } from 'vitest';
import { control, logged, position } from '../follow/wire-event.ts';
import { Answer } from './answer.ts';

describe('Answer', () => {
  const snapshot = (offset: number, run: { runId: string; text: string } | null) =>
    position({
      type: 'snapshot',
      conversationId: 'c',
      logId: 'l',
      offset,
      title: '',
      messages: [],
      run: run && { ...run, parentId: 'm', model: 'x', epoch: 1, startedAt: 0 },
      hasMore: false,
    });
  const event = (fields: { type: string; offset: number }) =>
    logged(fields.type, 'c', fields.offset, 'l', Buffer.from(JSON.stringify({ conversationId: 'c', ...fields })));

  test('other runs of the conversation are not its text', () => {
    const answer = new Answer('r2');
    answer.send(snapshot(3, { runId: 'r1', text: 'old' }));
    answer.send(event({ type: 'chunk', offset: 4, runId: 'r1', at: 3, t: 0, text: 'er' } as never));
    answer.send(event({ type: 'run-ended', offset: 5, runId: 'r1', reason: 'complete' } as never));
    answer.send(event({ type: 'chunk', offset: 8, runId: 'r2', at: 0, t: 0, text: 'new' } as never));
    expect([answer.text, answer.end]).toEqual(['new', null]);
  });

  test('a snapshot in between brings what was missed', () => {
    const answer = new Answer('r');
    answer.started(3);
    answer.send(event({ type: 'chunk', offset: 4, runId: 'r', at: 0, t: 0, text: 'one' } as never));
    answer.send(snapshot(9, { runId: 'r', text: 'one two' }));
    expect([answer.text, answer.restarts]).toEqual(['one two', 0]);
    answer.send(snapshot(12, { runId: 'r', text: 'three' }));
    expect([answer.text, answer.restarts]).toEqual(['three', 1]);
  });

  test('a snapshot from before the start says nothing, one after it that knows no such run ends the wait', () => {
    const answer = new Answer('r');
    answer.send(snapshot(2, null));
    answer.started(5);
    expect(answer.end).toBeNull();
    answer.send(control({ type: 'typing', conversationId: 'c', userId: 'u', active: true }));
    answer.send(snapshot(7, null));
    expect(answer.end?.error?.code).toBe('not-found');
  });

  test('of an answer that the database has brought back, its receipt says what it took', () => {
    const receipt = { sha256: 'x', bytes: 3, durationMs: 5, nodes: [], usage: { promptTokens: 7, completionTokens: 3 } };
    const answer = new Answer('r');
    answer.settle({ messageId: 'r', parentId: 'm', role: 'assistant', text: 'one', status: 'complete', createdAt: 1, receipt });
    expect(answer.end).toMatchObject({ reason: 'complete', usage: receipt.usage, at: 6 });
  });
});
