import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { viewOf } from './catch-up.ts';
import { control } from './wire-event.ts';
import { Follower } from './follower.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const snapshot = (behind: boolean) =>
  viewOf(
    'c',
    {
      kind: 'snapshot',
      logId: 'new',
      offset: 3,
      title: '',
      messages: [],
      run: { runId: 'r', parentId: 'm', model: 'count', epoch: 1, text: 'half', startedAt: 1 },
      hasMore: false,
      ...(behind && { behind: true as const }),
    },
    [],
  );

test('B4 who was shown more than a changed store has waits past the four seconds after which a half answer may be claimed', async () => {
  const sent: string[] = [];
  const presence = control({ type: 'presence', conversationId: 'c', users: ['ann'] });
  const sink = { opened: () => {}, failed: () => {}, send: ({ type }: { type: string }) => void sent.push(type) };
  const room = {
    read: (follower: Follower) => queueMicrotask(() => follower.arrive(snapshot(true))),
    leave: () => {},
    standing: () => [presence],
  };
  const follower = new Follower({ conversationId: 'c', userId: 'ann', cursor: { logId: 'old', offset: 9 }, sink }, room);
  room.read(follower);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sent).toEqual(['snapshot', 'live', 'presence']);
  follower.close();
});
