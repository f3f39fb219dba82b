import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChunkEvent, LogEvent } from './events.ts';
import { joinChunks } from './merge.ts';
import { utf8Length } from './position.ts';
import { applyEvent, cursorOf, emptyConversation, fromSnapshot, type ConversationState } from './run-state.ts';
import { writeLog, writtenLog, type WrittenLog } from './testing/log-arbitrary.ts';

const applied = (state: ConversationState, event: LogEvent): ConversationState => {
  const result = applyEvent(state, event);
  if (result.kind !== 'applied') throw new Error(`offset ${event.offset} is ${result.kind}`);
  return result.state;
};

const replay = (log: WrittenLog, from = 0): ConversationState =>
  log.events.slice(from).reduce(applied, from === 0 ? emptyConversation(log.conversationId) : fromSnapshot(log.snapshotAt(from)));

/** What two readers of the same log must agree on; takeovers are counted only by who watched them, `ended` only by who saw it. */
const screen = ({ moves, ...run }: { moves: number } = { moves: 0 }): object => run;
const visible = (state: ConversationState): object => ({ ...state, ended: null, run: state.run && screen(state.run) });

const joinNeighbours = (events: readonly LogEvent[], join: (i: number) => boolean): LogEvent[] => {
  const out: LogEvent[] = [];
  events.forEach((event, i) => {
    const last = out.at(-1);
    const fits = event.type === 'chunk' && last?.type === 'chunk' && join(i);
    const joined = fits ? joinChunks(last, event, utf8Length(last.text)) : null;
    if (joined) out[out.length - 1] = joined;
    else out.push(event);
  });
  return out;
};

describe('applyEvent', () => {
  test('W-7 a snapshot at any offset and the events after it give what all events give', () => {
    fc.assert(
      fc.property(writtenLog(), fc.nat(), (log, cut) => {
        const offset = cut % (log.events.length + 1);
        expect(visible(replay(log, offset))).toEqual(visible(replay(log)));
      }),
    );
  });

  test('W-8 duplicates of any earlier event change nothing', () => {
    fc.assert(
      fc.property(writtenLog(), fc.array(fc.nat()), (log, picks) => {
        let state = emptyConversation(log.conversationId);
        log.events.forEach((event, i) => {
          state = applied(state, event);
          const again = log.events[(picks[i % (picks.length || 1)] ?? 0) % (i + 1)]!;
          expect(applyEvent(state, again)).toEqual({ kind: 'old' });
        });
        expect(visible(state)).toEqual(visible(replay(log)));
      }),
    );
  });

  test('W-8 a missing event is a gap that changes nothing, whatever its type', () => {
    fc.assert(
      fc.property(writtenLog(), fc.nat(), (log, pick) => {
        const missing = pick % log.events.length;
        const state = log.events.slice(0, missing).reduce(applied, emptyConversation(log.conversationId));
        for (const event of log.events.slice(missing + 1)) expect(applyEvent(state, event).kind).toBe('gap');
      }),
    );
  });

  test('W-14 chunks merged in any way give the same text', () => {
    fc.assert(
      fc.property(writtenLog(), fc.infiniteStream(fc.boolean()), (log, coins) => {
        const merged = joinNeighbours(log.events, () => coins.next().value!);
        const state = merged.reduce(applied, emptyConversation(log.conversationId));
        expect(visible(state)).toEqual(visible(replay(log)));
      }),
    );
  });

  test('W-10 the text a run ends with has the bytes the log says', () => {
    fc.assert(
      fc.property(writtenLog(), (log) => {
        let state = emptyConversation(log.conversationId);
        for (const event of log.events) {
          state = applied(state, event);
          if (event.type !== 'run-ended') continue;
          const text = state.messages.find((m) => m.messageId === event.runId)!.text;
          expect(Buffer.byteLength(text)).toBe(event.bytes);
          expect(state.run).toBeNull();
        }
      }),
    );
  });
});

describe('chunks', () => {
  const log = writeLog(
    [
      {
        steps: [
          { do: 'chunk', text: 'xin ' },
          { do: 'chunk', text: 'chào' },
        ],
        ends: false,
      },
    ],
    'log-1',
  );
  const state = replay(log);
  const chunk = (change: Partial<ChunkEvent>): ChunkEvent => ({
    type: 'chunk',
    conversationId: 'c1',
    offset: 5,
    runId: 'log-1-a0',
    at: 9,
    t: 0,
    text: '!',
    ...change,
  });

  test('W-9 a chunk applies at exactly the bytes held', () => {
    expect(applied(state, chunk({})).run).toMatchObject({ text: 'xin chào!', bytes: 10 });
  });

  test('W-9 a chunk wholly below is dropped, and its offset counts', () => {
    expect(applied(state, chunk({ at: 4, text: 'chào' }))).toMatchObject({ offset: 5, run: { text: 'xin chào' } });
  });

  test('W-9 a chunk that overlaps or leaves a hole is a gap', () => {
    expect(applyEvent(state, chunk({ at: 8, text: 'o!' }))).toEqual({ kind: 'gap', verify: true });
    expect(applyEvent(state, chunk({ at: 10 }))).toEqual({ kind: 'gap', verify: true });
  });

  test('W-9 a chunk of a run that is not held is a gap', () => {
    expect(applyEvent(state, chunk({ runId: 'other' }))).toEqual({ kind: 'gap', verify: true });
  });

  test('W-10 an end whose length differs is a gap that asks for the whole', () => {
    const end: LogEvent = {
      type: 'run-ended',
      conversationId: 'c1',
      offset: 5,
      runId: 'log-1-a0',
      reason: 'complete',
      bytes: 8,
      sha256: '',
      endedAt: 0,
    };
    expect(applyEvent(state, end)).toEqual({ kind: 'gap', verify: true });
  });

  test('W-10 an end or a move of a run that is not held is a gap that asks for the whole', () => {
    const base = { conversationId: 'c1', offset: 5 };
    const end = { ...base, type: 'run-ended', reason: 'complete', sha256: '', endedAt: 0 } as const;
    const moved = { ...base, type: 'run-moved', epoch: 2, restarted: false } as const;
    for (const event of [end, moved]) {
      expect(applyEvent(state, { ...event, runId: 'other', bytes: 9 })).toEqual({ kind: 'gap', verify: true });
      expect(applyEvent({ ...state, run: null }, { ...event, runId: 'log-1-a0', bytes: 9 })).toEqual({ kind: 'gap', verify: true });
    }
    expect(applyEvent(state, { ...moved, runId: 'other', bytes: 0, restarted: true })).toEqual({ kind: 'gap', verify: true });
  });

  test('W-10 what a reader proves its screen against is what the log says, and the finish only where there is one', () => {
    const end = {
      type: 'run-ended',
      conversationId: 'c1',
      offset: 5,
      runId: 'log-1-a0',
      reason: 'complete',
      bytes: 9,
      sha256: 'abc',
      endedAt: 0,
    } as const;
    const ended = applied(state, end);
    expect(ended.ended).toEqual({ runId: 'log-1-a0', reason: 'complete', bytes: 9, sha256: 'abc' });
    expect(Object.keys(ended.messages.at(-1)!)).not.toContain('finish');
    expect(applied(state, { ...end, finish: 'length' }).messages.at(-1)).toMatchObject({ finish: 'length' });
    // What it cost stands in its message, as in a snapshot.
    const usage = { promptTokens: 7, completionTokens: 3 };
    expect(applied(state, { ...end, usage }).messages.at(-1)).toMatchObject({ usage });
  });

  test('W-7 a message that is held already is replaced where it stands, wherever that is', () => {
    const messages = state.messages.concat([
      { ...state.messages[0]!, messageId: 'm2' },
      { ...state.messages[0]!, messageId: 'm3' },
    ]);
    for (const [index, message] of messages.entries()) {
      const event: LogEvent = { type: 'message', conversationId: 'c1', offset: 5, message: { ...message, text: 'new' } };
      const changed = applied({ ...state, messages }, event).messages;
      expect(changed.map(({ messageId }) => messageId)).toEqual(messages.map(({ messageId }) => messageId));
      expect(changed.map(({ text }) => text === 'new')).toEqual(messages.map((_, at) => at === index));
    }
  });

  test('W-8 a missing event asks for the events, not for the whole', () => {
    expect(applyEvent(state, chunk({ offset: 6 }))).toEqual({ kind: 'gap', verify: false });
  });

  test('W-10 a run that moved to another pod keeps what stands, or starts again', () => {
    const moved = (bytes: number, restarted: boolean): LogEvent => ({
      type: 'run-moved',
      conversationId: 'c1',
      offset: 5,
      runId: 'log-1-a0',
      epoch: 2,
      bytes,
      restarted,
    });
    expect(applied(state, moved(9, false)).run).toMatchObject({ text: 'xin chào', epoch: 2, moves: 1 });
    expect(applied(state, moved(0, true)).run).toMatchObject({ text: '', bytes: 0, moves: 1 });
    expect(applyEvent(state, moved(8, false))).toEqual({ kind: 'gap', verify: true });
  });
});

test('of a message that is deleted nothing stays of what was said: its text, its parts, its receipt', () => {
  const receipt = { sha256: 'x', bytes: 3, durationMs: 1, nodes: [] };
  const said = { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'done', text: 'a secret thought' } as const;
  const answer = { messageId: 'a0', parentId: 'm0', role: 'assistant', text: 'a secret', status: 'complete', createdAt: 2 } as const;
  const before: ConversationState = {
    ...emptyConversation('c1'),
    logId: 'log',
    offset: 4,
    messages: [{ ...answer, parts: [said], receipt }],
  };
  const after = applied(before, { type: 'message-deleted', conversationId: 'c1', offset: 5, messageId: 'a0' });
  expect(after.messages).toEqual([{ ...answer, text: '', status: 'deleted' }]);
});

describe('the log', () => {
  test('W-7 the event with offset 1 names the log', () => {
    const log = writeLog([{ steps: [], ends: false }], 'log-7');
    expect(cursorOf(emptyConversation('c1'))).toBeNull();
    expect(cursorOf(applied(emptyConversation('c1'), log.events[0]!))).toEqual({ logId: 'log-7', offset: 1 });
  });

  test('W-13 an event of another log never mixes in', () => {
    const state = replay(writeLog([{ steps: [], ends: true }], 'log-1'));
    const other = writeLog([{ steps: [], ends: true }], 'log-2').events[0]!;
    expect(applyEvent(state, other)).toEqual({ kind: 'gap', verify: true });
  });
});
