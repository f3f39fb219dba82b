import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { control, logged, position } from '../../follow/wire-event.ts';
import { Answer } from './answer.ts';
import { readCompletion } from './request.ts';
import { nextPiece } from './stream.ts';

describe('nextPiece', () => {
  test('P-1 whatever the reader’s pace, the pieces add up to the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (words, reads) => {
        let sent = '';
        let text = '';
        words.forEach((word, index) => {
          text += word;
          if (!reads[index]) return;
          const next = nextPiece(sent, { text, restarted: false, ended: false });
          if (next.kind === 'piece') sent += next.text;
        });
        const last = nextPiece(sent, { text, restarted: false, ended: true });
        if (last.kind === 'piece') sent += last.text;
        expect(sent).toBe(text);
        expect(nextPiece(sent, { text, restarted: false, ended: true })).toEqual({ kind: 'done' });
      }),
    );
  });

  test('P-1 after a restart nothing that contradicts what was sent goes out', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.boolean(), (sent, text, ended) => {
        const next = nextPiece(sent, { text, restarted: true, ended });
        if (next.kind === 'piece') expect(sent + next.text).toBe(text);
        if (next.kind === 'done') expect(text).toBe(sent);
        if (next.kind === 'wait') expect(sent.startsWith(text)).toBe(true);
        if (next.kind === 'diverged') expect(text.startsWith(sent)).toBe(false);
      }),
    );
  });
});

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
});

describe('readCompletion', () => {
  const read = (messages: { role: string; content: string }[]) => readCompletion({ messages });

  test('the last user message is the prompt, the rest the context in its order', () => {
    const { prompt, seed } = read([
      { role: 'developer', content: 'rules' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'b' },
      { role: 'system', content: 'more rules' },
    ]);
    expect(prompt).toBe('b');
    expect(seed.map(({ role, text }) => [role, text])).toEqual([
      ['system', 'rules'],
      ['user', 'a'],
      ['system', 'more rules'],
    ]);
    expect(new Set(seed.map(({ messageId }) => messageId)).size).toBe(3);
  });

  test.each([
    [
      'an answer to be continued',
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    ],
    ['nothing of a user', [{ role: 'system', content: 'a' }]],
    ['a role of the prototype', [{ role: 'constructor', content: 'a' }]],
  ])('%s is refused', (_name, messages) => {
    expect(() => read(messages)).toThrow(expect.objectContaining({ code: 'bad-frame' }));
  });

  test('P-8 a context without end is refused', () => {
    const long = { role: 'assistant', content: 'x'.repeat(300_000) };
    expect(() => read([long, long, { role: 'user', content: 'a' }])).toThrow(expect.objectContaining({ code: 'too-long' }));
  });
});
