import { vi } from 'vitest';
import type { Cursor, RunnelError } from '@runnel/protocol';
import type { ReadState } from '@runnel/coordination';
import { MAX_LIVE_HELD, viewOf } from '../src/follow/catch-up.ts';
import { control, logged, type Outgoing } from '../src/follow/wire-event.ts';
import { Follower } from '../src/follow/follower.ts';

export const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const json = (offset: number): string => JSON.stringify({ type: 'chunk', conversationId: 'c', offset });
export const event = (offset: number, logId: string | null = 'log'): Outgoing =>
  logged('chunk', 'c', offset, logId, Buffer.from(json(offset)));
export const none = (live: Outgoing[] = []) => viewOf('c', { kind: 'none' }, live);
export const tail = (offset: number, entries: number[] = [], live: Outgoing[] = [], logId = 'log') =>
  viewOf('c', { kind: 'tail', logId, offset, entries: entries.map((at) => ({ offset: at, json: json(at) })) }, live);
export const snapshot = (offset: number, { logId = 'log', behind = false, live = [] as Outgoing[] } = {}) => {
  const run = { runId: 'r', parentId: 'm', model: 'count', epoch: 1, text: 'half', startedAt: 1 };
  const state: ReadState = { kind: 'snapshot', logId, offset, title: '', messages: [], run, hasMore: false };
  return viewOf('c', behind ? { ...state, behind: true } : state, live);
};
/** A read that ran into more live events than are held. */
export const overrun = (offset: number) => {
  const live = Array.from({ length: MAX_LIVE_HELD }, (_, index) => event(offset + 1 + index));
  return tail(offset, [], live);
};

/** A follower whose reads the test answers. `heard`: what its sink was given, in order. */
export const start = (cursor: Cursor | null = null, standing: Outgoing[] = []) => {
  const seen = { heard: [] as string[], errors: [] as RunnelError[], reads: 0, left: 0 };
  const sink = {
    opened: () => void seen.heard.push('opened'),
    send: ({ type, offset }: Outgoing, logId: string | null) => void seen.heard.push(`${type} ${logId}:${offset}`),
    failed: (error: RunnelError) => {
      seen.heard.push(error.code);
      seen.errors.push(error);
    },
  };
  const room = { read: () => void seen.reads++, leave: () => void seen.left++, standing: () => standing };
  const follower = new Follower({ conversationId: 'c', userId: 'ann', cursor, sink }, room);
  const take = (): string[] => seen.heard.splice(0);
  return Object.assign(seen, { follower, take });
};
/** Live at `log:5`, with nothing heard yet. */
export const live = () => {
  const made = start({ logId: 'log', offset: 5 });
  made.follower.arrive(tail(5));
  made.take();
  return made;
};
export const unavailable = (): RunnelError => ({ code: 'unavailable', retryable: true }) as RunnelError;
export const presence = control({ type: 'presence', conversationId: 'c', users: ['ann'] });
