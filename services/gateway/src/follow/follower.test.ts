import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { event, later, live, none, overrun, presence, snapshot, start, tail, unavailable } from '../../testing/test-follower.ts';
import { viewOf } from './catch-up.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('where it stands', () => {
  test('a reader that brings nothing has no cursor and hears nothing until a read has answered', () => {
    const { follower, take, reads } = start();
    follower.offer(event(1));
    follower.hint(presence);
    follower.reread();
    expect([follower.cursor, follower.live, follower.checked, take(), reads]).toEqual([null, false, false, [], 0]);
  });

  test('W-7 the first read opens, brings what was missed and says that catching up is over; the next reads only add', () => {
    const { follower, take } = start({ logId: 'log', offset: 2 }, [presence]);
    expect(follower.cursor).toEqual({ logId: 'log', offset: 2 });
    follower.arrive(tail(4, [2, 3, 4], [event(5)]));
    expect(take()).toEqual(['opened', 'chunk log:3', 'chunk log:4', 'live log:4', 'chunk log:5', 'presence log:0']);
    expect([follower.live, follower.checked, follower.cursor]).toEqual([true, true, { logId: 'log', offset: 5 }]);
    follower.arrive(tail(6, [4, 5, 6], [event(7)]));
    expect(take()).toEqual(['chunk log:6', 'chunk log:7']);
  });

  test('a conversation that does not exist is an empty screen, and nobody has checked whose it is', () => {
    const { follower, take } = start();
    follower.arrive(none());
    expect(take()).toEqual(['opened', 'snapshot null:0', 'live null:0']);
    expect([follower.live, follower.checked, follower.cursor]).toEqual([true, false, null]);
    follower.hint(presence);
    follower.arrive(none());
    expect(take()).toEqual([]);
  });

  test('S-3 what begins a log is not handed on before a read has checked its owner, and is then read from its beginning', () => {
    const { follower, take, reads, ...seen } = start();
    follower.arrive(none());
    take();
    follower.offer(event(1, 'born'));
    expect([take(), follower.cursor, follower.live]).toEqual([[], { logId: 'born', offset: 0 }, false]);
    expect(seen.left).toBe(0);
    follower.arrive(tail(1, [1], [], 'born'));
    expect([take(), follower.cursor]).toEqual([['chunk born:1'], { logId: 'born', offset: 1 }]);
  });

  test('S-3 a birth behind a read of nothing is read before it is heard', () => {
    const seen = start();
    seen.follower.arrive(none([event(1, 'born')]));
    expect([seen.take(), seen.reads, seen.follower.cursor]).toEqual([
      ['opened', 'snapshot null:0', 'live null:0'],
      1,
      { logId: 'born', offset: 0 },
    ]);
    seen.follower.arrive(snapshot(1, { logId: 'other' }));
    expect([seen.take(), seen.follower.cursor]).toEqual([['snapshot other:1', 'live other:1'], { logId: 'other', offset: 1 }]);
  });
});

describe('what a live event means', () => {
  test('W-8 the next one is heard, an old one dropped, a later one read', () => {
    const seen = live();
    for (const offset of [6, 6, 5, 1]) seen.follower.offer(event(offset));
    expect([seen.take(), seen.reads, seen.follower.live]).toEqual([['chunk log:6'], 0, true]);
    seen.follower.offer(event(8));
    expect([seen.take(), seen.reads, seen.follower.live]).toEqual([[], 1, false]);
    seen.follower.offer(event(7));
    seen.follower.reread();
    expect([seen.take(), seen.reads]).toEqual([[], 1]);
  });

  test.each([
    ['another log', 'other'],
    ['no known log', null],
  ])('W-7 the next one of %s is read, not heard', (_, logId) => {
    const seen = live();
    seen.follower.offer(event(6, logId));
    expect([seen.take(), seen.reads, seen.follower.cursor]).toEqual([[], 1, { logId: 'log', offset: 5 }]);
  });

  test('a hint reaches who is up to date, and nobody else', () => {
    const seen = live();
    seen.follower.hint(presence);
    expect(seen.take()).toEqual(['presence log:0']);
    seen.follower.reread();
    seen.follower.hint(presence);
    seen.follower.close();
    seen.follower.hint(presence);
    expect(seen.take()).toEqual([]);
  });
});

describe('what a read means for who is live', () => {
  test('a poll that finds the same replaces nothing; one that finds more does', () => {
    const seen = live();
    seen.follower.arrive(snapshot(5));
    expect(seen.take()).toEqual([]);
    seen.follower.arrive(snapshot(6));
    expect(seen.take()).toEqual(['snapshot log:6', 'live log:6']);
    seen.follower.arrive(snapshot(6, { logId: 'other' }));
    expect([seen.take(), seen.follower.cursor]).toEqual([['snapshot other:6', 'live other:6'], { logId: 'other', offset: 6 }]);
  });

  test('a poll that is behind what came live since brings nothing twice, and is no loss', () => {
    const seen = live();
    seen.follower.offer(event(6));
    seen.take();
    seen.follower.arrive(tail(4, [], [event(5), event(6), event(7)]));
    expect([seen.take(), seen.follower.live]).toEqual([['chunk log:7'], true]);
    seen.follower.arrive(tail(5));
    expect([seen.take(), seen.follower.live]).toEqual([[], true]);
  });

  test('S-3 a poll that finds a birth where there was nothing shows nothing again, and reads', () => {
    const seen = start();
    seen.follower.arrive(none());
    seen.take();
    seen.follower.arrive(none([event(1, 'born')]));
    expect([seen.take(), seen.reads, seen.follower.cursor]).toEqual([[], 1, { logId: 'born', offset: 0 }]);
  });

  test('a poll with a hole behind it is no poll that finds the same: it is replaced and read on', () => {
    const seen = live();
    seen.follower.arrive(snapshot(5, { live: [event(9)] }));
    expect([seen.take(), seen.reads, seen.follower.live]).toEqual([['snapshot log:5', 'live log:5'], 1, false]);
  });

  test('who asked anew is told even of the same', () => {
    const seen = live();
    seen.follower.reread();
    seen.follower.arrive(snapshot(5));
    expect(seen.take()).toEqual(['snapshot log:5', 'live log:5']);
  });

  test('hints that hold are told with the first read only', () => {
    const seen = start({ logId: 'log', offset: 5 }, [presence]);
    seen.follower.arrive(tail(5));
    seen.follower.arrive(snapshot(7));
    expect(seen.take()).toEqual(['opened', 'live log:5', 'presence log:0', 'snapshot log:7', 'live log:7']);
  });

  test('a hole is read again at once, and further ones after a growing wait, until a read is whole', async () => {
    vi.mocked(Math.random).mockReturnValue(1);
    const seen = live();
    seen.follower.arrive(overrun(5));
    expect([seen.reads, seen.follower.live]).toEqual([1, false]);
    for (const [turn, wait] of [450, 1650, 3050].entries()) {
      seen.follower.arrive(overrun(5));
      await later(wait - 1);
      expect(seen.reads).toBe(turn + 1);
      await later(1);
      expect(seen.reads).toBe(turn + 2);
    }
    seen.follower.arrive(tail(5));
    expect([seen.follower.live, seen.take()]).toEqual([true, []]);
    seen.follower.arrive(overrun(5));
    expect(seen.reads).toBe(5);
  });
});

describe('the end of a follow', () => {
  test('P-1 who may not read is told once that it is forbidden, and that is all they ever hear', async () => {
    const seen = start();
    seen.follower.arrive(viewOf('c', { kind: 'forbidden' }, []));
    expect([seen.take(), seen.left, seen.errors[0]!.retryable]).toEqual([['forbidden'], 1, false]);
    seen.follower.arrive(tail(1, [1]));
    seen.follower.offer(event(1));
    seen.follower.readFailed(unavailable());
    seen.follower.reread();
    seen.follower.reset();
    await later(60_000);
    expect([seen.take(), seen.reads, seen.left, seen.follower.live]).toEqual([[], 0, 1, false]);
  });

  test('who leaves leaves once, and a timer does not bring them back', async () => {
    const seen = start();
    seen.follower.readFailed(unavailable());
    seen.follower.close();
    seen.follower.close();
    expect(vi.getTimerCount()).toBe(0);
    await later(60_000);
    seen.follower.offer(event(1));
    seen.follower.hint(presence);
    seen.follower.arrive(tail(1, [1]));
    expect([seen.take(), seen.reads, seen.left]).toEqual([['unavailable'], 0, 1]);
  });
});
