import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { event, later, live, none, snapshot, start, tail, unavailable } from '../../testing/test-follower.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a store that does not answer', () => {
  test('P-10 is told of once until it answers, and asked again by itself', async () => {
    const seen = start();
    seen.follower.readFailed(unavailable());
    await later(50);
    expect(seen.reads).toBe(1);
    seen.follower.readFailed(unavailable());
    expect(seen.take()).toEqual(['unavailable']);
    await later(50);
    seen.follower.arrive(tail(1, [1]));
    seen.follower.reread();
    seen.follower.readFailed(unavailable());
    expect(seen.take()).toEqual(['opened', 'chunk log:1', 'live log:1', 'unavailable']);
  });

  test('the waits grow to three seconds, and are never below half of their beginning', async () => {
    for (const [random, waits] of [
      [0, [50, 50, 50, 50, 50, 50, 50]],
      [1, [150, 250, 450, 850, 1650, 3050, 3050]],
    ] as const) {
      vi.mocked(Math.random).mockReturnValue(random);
      const seen = start();
      for (const wait of waits) {
        const before = seen.reads;
        seen.follower.readFailed(unavailable());
        await later(wait - 1);
        expect(seen.reads).toBe(before);
        await later(1);
        expect(seen.reads).toBe(before + 1);
      }
    }
  });

  test('a reader that is live keeps its place and asks nothing by itself', async () => {
    const seen = live();
    seen.follower.readFailed(unavailable());
    await later(60_000);
    seen.follower.offer(event(6));
    expect([seen.take(), seen.reads]).toEqual([['unavailable', 'chunk log:6'], 0]);
  });

  test('a read that was asked for meanwhile takes the place of the timer', async () => {
    const seen = start();
    seen.follower.readFailed(unavailable());
    seen.follower.offer(event(1));
    seen.follower.reread();
    seen.follower.arrive(tail(1, [1]));
    await later(10_000);
    expect([seen.reads, seen.follower.live]).toEqual([1, true]);
  });

  test('what a poll brings to who is about to ask again does not make them live: they ask', async () => {
    const seen = start();
    seen.follower.readFailed(unavailable());
    seen.follower.arrive(tail(1, [1]));
    expect(seen.follower.live).toBe(false);
    await later(50);
    expect(seen.reads).toBe(1);
  });
});

describe('a store that has less', () => {
  const shapes = {
    nothing: [() => none(), 3000],
    'an older copy': [() => snapshot(4), 3000],
    'a half answer of a changed store': [() => snapshot(3, { logId: 'new', behind: true }), 6000],
  } as const;

  test.each(Object.entries(shapes))('L-6 B4 %s is waited for: the screen stays', async (_, [view, grace]) => {
    const seen = live();
    seen.follower.arrive(view());
    expect([seen.take(), seen.follower.live, seen.follower.cursor]).toEqual([[], false, { logId: 'log', offset: 5 }]);
    // Asked again after 25 ms here, and by the next event of whatever log.
    await later(24);
    expect(seen.reads).toBe(0);
    await later(1);
    expect(seen.reads).toBe(1);
    seen.follower.arrive(view());
    seen.follower.offer(event(6, 'new'));
    expect([seen.reads, seen.take()]).toEqual([2, []]);
    await later(grace - 26);
    seen.follower.arrive(view());
    expect(seen.take()).toEqual([]);
    await later(1);
    seen.follower.arrive(view());
    expect(seen.take().map((line) => line.split(' ')[0])).toEqual(['snapshot', 'live']);
    expect(seen.follower.live).toBe(true);
  });

  test('L-6 what came back ends the wait, and the next loss is waited for as long', async () => {
    const seen = live();
    seen.follower.arrive(none());
    await later(2900);
    seen.follower.arrive(tail(6, [6]));
    expect([seen.take(), seen.follower.live]).toEqual([['chunk log:6'], true]);
    await later(10_000);
    seen.follower.arrive(none());
    expect([seen.take(), seen.follower.live]).toEqual([[], false]);
  });

  test('polls that find less, too, do not make more of the asking', () => {
    const seen = live();
    for (let i = 0; i < 3; i++) seen.follower.arrive(none());
    expect(vi.getTimerCount()).toBe(1);
  });

  test('the waits for who writes it again stay below 525 ms', async () => {
    vi.mocked(Math.random).mockReturnValue(1);
    const seen = live();
    for (const wait of [75, 125, 225, 425, 525, 525]) {
      const before = seen.reads;
      seen.follower.arrive(none());
      await later(wait - 1);
      expect(seen.reads).toBe(before);
      await later(1);
      expect(seen.reads).toBe(before + 1);
    }
  });

  test('a shorter copy of another log, or the same offset of this one, is no loss: it is shown', () => {
    for (const view of [() => snapshot(3, { logId: 'new' }), () => snapshot(5)]) {
      const seen = live();
      seen.follower.reread();
      seen.follower.arrive(view());
      expect(seen.take().map((line) => line.split(' ')[0])).toEqual(['snapshot', 'live']);
    }
  });

  test('a reader that holds nothing waits for nothing', () => {
    const seen = start();
    seen.follower.arrive(snapshot(3, { behind: true }));
    expect(seen.take()).toEqual(['opened', 'snapshot log:3', 'live log:3']);
  });

  test('W-13 what was deleted is empty at once, and what is made after it is waited for again', () => {
    const seen = live();
    seen.follower.reset();
    expect([seen.reads, seen.follower.live]).toEqual([1, false]);
    seen.follower.reset();
    expect(seen.reads).toBe(2);
    seen.follower.arrive(none());
    expect([seen.take(), seen.follower.live]).toEqual([['snapshot null:0', 'live null:0'], true]);
    seen.follower.offer(event(1, 'again'));
    seen.follower.arrive(tail(1, [1], [], 'again'));
    seen.take();
    seen.follower.arrive(none());
    expect([seen.take(), seen.follower.live]).toEqual([[], false]);
  });
});
