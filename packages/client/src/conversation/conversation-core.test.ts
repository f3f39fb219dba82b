import type { LogEvent, SnapshotEvent } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { createCore, reduce, type ConversationCore, type CoreEffect, type CoreInput } from './conversation-core.ts';
import * as wire from '../../testing/wire.ts';

const { sha, message, started, chunk, ended } = wire;
/** One message, two events. */
const snapshot = (change: Partial<SnapshotEvent> = {}): SnapshotEvent => wire.snapshot({ offset: 2, messages: [message('u1')], ...change });
const live = (offset = 2, logId: string | null = 'l1') => wire.live(offset, logId);

/** A reader with its effects of the last step, and a clock that the test moves. */
const reader = () => {
  let core: ConversationCore = createCore('c1');
  let effects: CoreEffect[] = [];
  let now = 100_000;
  const self = {
    get core() {
      return core;
    },
    get effects() {
      return effects;
    },
    get did() {
      return effects.map((effect) => effect.do);
    },
    later: (ms: number) => ((now += ms), self),
    put(...inputs: (CoreInput | Extract<CoreInput, { kind: 'event' }>['event'])[]) {
      for (const input of inputs) [core, effects] = reduce(core, 'kind' in input ? input : { kind: 'event', event: input }, now);
      return self;
    },
    /** Followed, with an answer running at offset 3. */
    running: () => self.put({ kind: 'connected' }, snapshot(), live()).later(60_000).put(started(3)),
  };
  return self;
};

describe('following', () => {
  test('W-7 the first follow has no cursor; its snapshot shows at once and `live` ends it', () => {
    const r = reader().put({ kind: 'connected' });
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 0 }]);
    r.put(snapshot());
    expect(r.core).toMatchObject({ sync: 'loading', conversation: { messages: [{ messageId: 'u1' }] } });
    expect(r.later(12).put(live()).core).toMatchObject({ sync: 'live', lastResume: { kind: 'snapshot', events: 1, ms: 12 } });
  });

  test('W-7 a conversation that does not exist yet is empty, and its first event names the log', () => {
    const r = reader().put({ kind: 'connected' }, snapshot({ logId: null, offset: 0, messages: [] }), live(0, null));
    expect(r.core.sync).toBe('live');
    r.put({ type: 'message', conversationId: 'c1', offset: 1, logId: 'l9', message: message('u1') });
    expect(r.core.conversation).toMatchObject({ logId: 'l9', offset: 1 });
  });

  test('W-7 after a reconnect it follows with its cursor and gets a tail', () => {
    const r = reader().running().put({ kind: 'disconnected' });
    expect(r.core.sync).toBe('resuming');
    r.put({ kind: 'connected' });
    expect(r.effects).toEqual([{ do: 'follow', cursor: { logId: 'l1', offset: 3 }, failures: 0 }]);
    r.put(chunk(4, 0, 'x'), chunk(5, 1, 'y'), live(5));
    expect(r.core).toMatchObject({ sync: 'live', lastResume: { kind: 'tail', events: 2 }, conversation: { run: { text: 'xy' } } });
  });

  test('W-7 a `live` that is ahead of what came is not believed', () => {
    const r = reader()
      .running()
      .put({ kind: 'disconnected' }, { kind: 'connected' }, chunk(4, 0, 'x'), live(5));
    expect(r.core.sync).toBe('resuming');
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 1 }]);
  });

  test('W-7 the `live` of an earlier follow does not end one that asked for a snapshot', () => {
    const r = reader()
      .running()
      .put(chunk(4, 5, 'x'));
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 1 }]);
    r.put(live(3));
    expect(r.effects).toEqual([]);
    expect(r.core).toMatchObject({ sync: 'resuming', failures: 1 });
    expect(r.put(snapshot({ offset: 4 }), live(4)).core.sync).toBe('live');
  });

  test('no answer in time, or an error that may pass, follows again; one that will not shows', () => {
    const r = reader().put({ kind: 'connected' }, { kind: 'late' });
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 1 }]);
    r.put({ kind: 'refused', problem: { code: 'unavailable', message: '', retryable: true } });
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 2 }]);
    r.put({ kind: 'refused', problem: { code: 'forbidden', message: '', retryable: false } });
    expect(r.core).toMatchObject({ problem: { code: 'forbidden' }, following: null });
    expect(r.put({ kind: 'connected' }).core.problem).toBeNull();
  });

  test('P-8 a log that breaks again and again is followed ever more slowly', () => {
    const r = reader().running();
    const failures: number[] = [];
    for (let i = 0; i < 4; i++) {
      r.put(chunk(9, 0, 'x'));
      failures.push((r.effects[0] as { failures: number }).failures);
      r.put(snapshot({ offset: 3 }), live(3));
    }
    expect(failures).toEqual([1, 2, 3, 4]);
    r.later(60_000).put(chunk(9, 0, 'x'));
    expect(r.effects).toMatchObject([{ failures: 1 }]);
  });
});

describe('events', () => {
  test('W-8 a gap follows again with the cursor, once, and what does not fit meanwhile is left alone', () => {
    const r = reader()
      .running()
      .put(chunk(5, 1, 'b'));
    expect(r.effects).toEqual([{ do: 'follow', cursor: { logId: 'l1', offset: 3 }, failures: 1 }]);
    expect(r.put(chunk(6, 2, 'c')).effects).toEqual([]);
    r.put(chunk(4, 0, 'a'), chunk(5, 1, 'b'), chunk(6, 2, 'c'), live(6));
    expect(r.core).toMatchObject({ sync: 'live', conversation: { offset: 6, run: { text: 'abc' } } });
  });

  test('W-8 what was applied before changes nothing', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'a'));
    const before = r.core;
    expect(r.put(chunk(4, 0, 'a')).core).toBe(before);
  });

  test('W-9 a chunk at the wrong byte means the text is not to be trusted: the whole is asked for', () => {
    const r = reader()
      .running()
      .put(chunk(4, 7, 'a'));
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 1 }]);
  });

  test('W-14 a merged chunk applies when it begins where the reader stands', () => {
    const r = reader()
      .running()
      .put(chunk(7, 0, 'abcd', 4));
    expect(r.core.conversation).toMatchObject({ offset: 7, run: { text: 'abcd' } });
  });

  test('W-14 one that begins earlier is a gap', () => {
    expect(
      reader()
        .running()
        .put(chunk(4, 0, 'a'), chunk(7, 0, 'abcd', 4)).effects,
    ).toMatchObject([{ do: 'follow', cursor: { offset: 4 } }]);
  });

  test('events of a later version are passed over, and their offset counts', () => {
    const later = { type: 'of-later', conversationId: 'c1', offset: 4 } as unknown as LogEvent;
    expect(
      reader()
        .running()
        .put(later, chunk(5, 0, 'a')).core.conversation,
    ).toMatchObject({ offset: 5, run: { text: 'a' } });
  });
});

describe('W-10 verification', () => {
  test('W-10 the text a run ends with is hashed, and is verified when the digest is met', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'hi'), ended(5, 'hi'));
    expect(r.effects).toEqual([{ do: 'prove', run: expect.objectContaining({ runId: 'a1' }), text: 'hi' }]);
    expect(r.core.verified).toBe('unknown');
    r.put({ kind: 'hashed', runId: 'a1', sha256: sha('hi') });
    expect(r.core).toMatchObject({ verified: 'verified', mismatches: 0, proofs: [] });
  });

  test('W-10 a wrong digest asks for the snapshot and reports; the snapshot must meet it too', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'ho'), ended(5, 'hi'), { kind: 'hashed', runId: 'a1', sha256: sha('ho') });
    expect(r.effects).toEqual([
      { do: 'report', run: expect.objectContaining({ bytes: 2 }), heldBytes: 2 },
      { do: 'follow', cursor: null, failures: 1 },
    ]);
    expect(r.core).toMatchObject({ verified: 'mismatch', sync: 'resuming' });
    r.put(snapshot({ offset: 5, messages: [message('u1'), message('a1', 'hi')] }));
    expect(r.effects).toEqual([{ do: 'prove', run: expect.objectContaining({ runId: 'a1' }), text: 'hi' }]);
    r.put(live(5), { kind: 'hashed', runId: 'a1', sha256: sha('hi') });
    expect(r.core).toMatchObject({ verified: 'verified', mismatches: 1, sync: 'live' });
  });

  test('W-10 a wrong length is a wrong text', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'h'), ended(5, 'hi'));
    expect(r.did).toEqual(['report', 'follow']);
    expect(r.effects).toContainEqual({ do: 'follow', cursor: null, failures: 1 });
  });

  test('W-10 a lost connection does not save a wrong text: it still asks without cursor', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'ho'), ended(5, 'hi'), { kind: 'hashed', runId: 'a1', sha256: sha('ho') });
    r.put({ kind: 'disconnected' }, { kind: 'connected' });
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 0 }]);
  });

  test('W-10 when the server contradicts itself, it is said and not asked for ever', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'ho'), ended(5, 'hi'), { kind: 'hashed', runId: 'a1', sha256: sha('ho') });
    r.put(snapshot({ offset: 5, messages: [message('a1', 'ha')] }), live(5), { kind: 'hashed', runId: 'a1', sha256: sha('ha') });
    expect(r.effects).toEqual([]);
    expect(r.core).toMatchObject({ verified: 'mismatch', sync: 'live', proofs: [] });
  });

  test('W-10 two runs that end in one tail are both verified', () => {
    const r = reader()
      .running()
      .put(ended(4, ''), started(5, 'a2'), ended(6, '', { runId: 'a2' }));
    r.put({ kind: 'hashed', runId: 'a1', sha256: sha('') });
    expect(r.core.verified).toBe('unknown');
    expect(r.put({ kind: 'hashed', runId: 'a2', sha256: sha('') }).core.verified).toBe('verified');
  });
});

describe('snapshots', () => {
  test('W-11 the answer on the screen stays when a snapshot follows its end', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'hi'), ended(5, 'hi'));
    const shown = r.core.conversation.messages.map((m) => m.messageId);
    r.put(
      { kind: 'disconnected' },
      { kind: 'connected' },
      snapshot({ offset: 5, messages: [message('u1'), message('a1', 'hi')] }),
      live(5),
    );
    expect(r.core.conversation.messages.map((m) => m.messageId)).toEqual(shown);
  });

  test('W-13 a snapshot of another log replaces everything', () => {
    const r = reader()
      .running()
      .put(chunk(4, 0, 'x'), snapshot({ logId: 'l2', offset: 1, messages: [message('u7')] }));
    expect(r.core.conversation).toMatchObject({ logId: 'l2', offset: 1, run: null, messages: [{ messageId: 'u7' }] });
  });

  test('W-13 an event of another log never mixes in', () => {
    const other: LogEvent = { type: 'title', conversationId: 'c1', offset: 1, logId: 'l2', title: 'x' };
    const r = reader().running().put(other);
    expect(r.effects).toEqual([{ do: 'follow', cursor: null, failures: 1 }]);
    expect(r.core.conversation.title).toBe('');
  });
});

describe('W-12 older pages', () => {
  const newest = snapshot({ messages: [message('m3'), message('m4')], hasMore: true });
  const loaded = () =>
    reader()
      .put({ kind: 'connected' }, newest, live())
      .put({ kind: 'older', before: 'm3', messages: [message('m1'), message('m2')], hasMore: false });
  const ids = (core: ConversationCore): string[] => core.conversation.messages.map((m) => m.messageId);

  test('W-12 a page goes before what is held', () => {
    expect(ids(loaded().core)).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(loaded().core.conversation.hasMore).toBe(false);
  });

  test('W-12 a page that was asked for before a snapshot replaced the rest is not used', () => {
    const r = loaded().put({ kind: 'older', before: 'm3', messages: [message('m0')], hasMore: true });
    expect(ids(r.core)).toEqual(['m1', 'm2', 'm3', 'm4']);
  });

  test('W-12 a snapshot of the same log keeps the pages in view, and has them read anew', () => {
    const r = loaded().put(snapshot({ offset: 9, messages: [message('m3'), message('m4'), message('m5')], hasMore: true }));
    expect(ids(r.core)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
    expect(r.effects).toEqual([{ do: 'reload-older', before: 'm3', count: 2 }]);
    r.put({ kind: 'reloaded', before: 'm3', page: { messages: [message('m1', ''), message('m2')], hasMore: true } });
    expect(r.core.conversation).toMatchObject({ hasMore: true, messages: [{ text: '' }, {}, {}, {}, {}] });
  });

  test('W-12 pages that cannot be read anew go: they may hold what was deleted', () => {
    const r = loaded().put(newest, { kind: 'reloaded', before: 'm3', page: null });
    expect(ids(r.core)).toEqual(['m3', 'm4']);
    expect(r.core.conversation.hasMore).toBe(true);
  });

  test('W-13 pages of another log go at once', () => {
    expect(ids(loaded().put(snapshot({ ...newest, logId: 'l2' })).core)).toEqual(['m3', 'm4']);
  });
});
