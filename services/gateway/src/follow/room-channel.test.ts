import type { Subscription } from '@runnel/coordination';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RoomChannel } from './room-channel.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A channel whose subscriptions are had when the test says so. */
const begin = ({ random = 0.5 } = {}) => {
  const asked: { have(): void; refuse(): void }[] = [];
  let [closed, missed] = [0, 0];
  const subscription: Subscription = { close: async () => void closed++ };
  const open = (): Promise<Subscription> =>
    new Promise((resolve, reject) => asked.push({ have: () => resolve(subscription), refuse: () => reject(new Error('no')) }));
  const channel = new RoomChannel({ open, missed: () => void missed++, random: () => random });
  let tried = false;
  void channel.tried.then(() => (tried = true));
  return { channel, asked, is: () => ({ asked: asked.length, closed, missed, tried, open: channel.isOpen }) };
};
const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test('W-7 a channel that stands before anybody has read without it has missed nothing', async () => {
  const { asked, is } = begin();
  expect(is()).toEqual({ asked: 1, closed: 0, missed: 0, tried: false, open: false });
  await vi.advanceTimersByTimeAsync(149);
  expect(is().tried).toBe(false);
  asked[0]!.have();
  await soon();
  expect(is()).toEqual({ asked: 1, closed: 0, missed: 0, tried: true, open: true });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(is()).toMatchObject({ asked: 1, missed: 0 });
});

test('P-10 who reads waits 150 ms for a channel; one that comes later may have missed an event', async () => {
  const { asked, is } = begin();
  await vi.advanceTimersByTimeAsync(150);
  // A deadline looks once more at what has arrived before it gives up.
  await vi.advanceTimersByTimeAsync(1);
  expect(is()).toEqual({ asked: 1, closed: 0, missed: 0, tried: true, open: false });
  asked[0]!.have();
  await soon();
  expect(is()).toMatchObject({ missed: 1, open: true });
});

test('P-10 a channel that cannot be had is asked for again, later each time and 5 s later at most, and has missed what was read meanwhile', async () => {
  const { asked, is } = begin();
  asked[0]!.refuse();
  await soon();
  // Who waits to read need not wait for what has failed.
  expect(is()).toEqual({ asked: 1, closed: 0, missed: 0, tried: true, open: false });
  const waits = [125 + 125, 125 + 250, 125 + 500, 125 + 1_000, 125 + 2_000, 125 + 2_500, 125 + 2_500];
  for (const [index, wait] of waits.entries()) {
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect([index, is().asked]).toEqual([index, index + 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect([index, is().asked]).toEqual([index, index + 2]);
    if (index < waits.length - 1) asked[index + 1]!.refuse();
    await soon();
  }
  asked.at(-1)!.have();
  await soon();
  expect(is()).toEqual({ asked: 8, closed: 0, missed: 1, tried: true, open: true });
});

test('a room that nobody follows any more lets go of its channel once, however far that had come', async () => {
  const open = begin();
  open.asked[0]!.have();
  await soon();
  await open.channel.close();
  await open.channel.close();
  expect(open.is()).toMatchObject({ closed: 1, open: false });

  const late = begin();
  await late.channel.close();
  expect(late.is()).toMatchObject({ closed: 0, open: false });
  late.asked[0]!.have();
  await soon();
  expect(late.is()).toMatchObject({ closed: 1, missed: 0, open: false });

  const refused = begin();
  await refused.channel.close();
  refused.asked[0]!.refuse();
  await soon();
  expect(vi.getTimerCount()).toBe(0);

  const failed = begin();
  failed.asked[0]!.refuse();
  await soon();
  expect(vi.getTimerCount()).toBe(1);
  await failed.channel.close();
  expect(vi.getTimerCount()).toBe(0);
  expect(failed.is()).toMatchObject({ asked: 1, closed: 0, open: false });
});
