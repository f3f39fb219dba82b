import { createMemoryRunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { RunnelError, type Message, type Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';
import { expect, test } from 'vitest';
import { decidePart } from '../commands/decide.ts';
import { digestOf } from '@runnel/coordination';
import { withRehydration } from './rehydration.ts';

const ids = { conversationId: 'old', userId: 'ann' };
const question: Message = { messageId: 'm1', parentId: null, role: 'user', text: 'hỏi', status: 'complete', createdAt: 1, author: 'ann' };
const call: Part = {
  ...{ partId: 'p0', index: 0, at: 3, kind: 'tool', state: 'waiting', name: 'act', server: 's', input: '{"n":1}' },
  approval: { policy: 'ask' },
};
const parked: ParkedRun = {
  ...{ runId: 'r1', parentId: 'm1', model: 'count', startedAt: 2, epoch: 1, claims: 1 },
  ...{ text: 'abc', partIds: ['p0'], parts: [call] },
};
const approve = { conversationId: 'old', runId: 'r1', partId: 'p0', decision: 'approve' as const, inputSha256: digestOf(call.input!) };

/** A store that has forgotten the conversation, and what the database says of it. */
const world = () => {
  let [state, known] = ['up' as 'up' | 'down', parked as ParkedRun | null];
  const inner = new MemoryStore(Date.now, 100);
  const store = createMemoryRunLog({ store: inner });
  const call = async (path: string, { userId }: { userId?: string } = {}) => {
    if (state === 'down') throw new RunnelError('unavailable');
    if (!path.startsWith('/history/old?')) return { status: 404, body: null };
    if (userId !== 'ann') return { status: 403, body: null };
    const page = { messages: [question], hasMore: false, title: 'Cũ' };
    return { status: 200, body: { ...page, ...(known && path.includes('parked=1') && { parked: known }) } };
  };
  // Nobody waits for a machine that is busy.
  const gateway = () => withRehydration(store, { call }, undefined, 10_000);
  return { store, gateway, become: (value: typeof state) => (state = value), knows: (value: ParkedRun | null) => (known = value) };
};

test.each(['follow', 'decide', 'cancel', 'prompt'] as const)(
  'W-17 %s brings back an answer that waits, which the store has forgotten',
  async (what) => {
    const { store, gateway } = world();
    const door = gateway();
    if (what === 'follow') expect(await door.readState(ids)).toMatchObject({ run: { runId: 'r1', waiting: ['p0'], text: 'abc' } });
    if (what === 'decide') expect(await decidePart(door, 'ann', approve)).toBe('decided');
    if (what === 'cancel') expect(await door.cancelRun({ ...ids, runId: 'r1' })).toEqual({ outcome: 'cancelling', owned: false });
    if (what === 'prompt') {
      const command = { ...ids, runId: 'r2', model: 'count', message: { messageId: 'm2', text: 'x' }, title: '' };
      expect(await door.beginRun(command)).toEqual({ outcome: 'busy', runId: 'r1' });
    }
    const state = await store.readState(ids);
    expect(state).toMatchObject({ kind: 'snapshot', run: { runId: 'r1', parts: [{ state: what === 'decide' ? 'approved' : 'waiting' }] } });
  },
);

test('W-17 two gateways bring it back at once: one decision counts', async () => {
  const { gateway } = world();
  const outcomes = await Promise.all([gateway(), gateway()].map((door) => decidePart(door, 'ann', approve)));
  expect(outcomes.toSorted()).toEqual(['already-decided', 'decided']);
});

test('S-1 W-17 to somebody else it does not come back', async () => {
  const { store, gateway } = world();
  await expect(decidePart(gateway(), 'bob', approve)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await gateway().cancelRun({ conversationId: 'old', userId: 'bob', runId: 'r1' })).toEqual({ outcome: 'forbidden' });
  expect(await store.readState(ids)).toEqual({ kind: 'none' });
});

test('W-17 while the database is away a decision and a cancel are told so, and nothing is lost', async () => {
  const { gateway, become } = world();
  become('down');
  await expect(decidePart(gateway(), 'ann', approve)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await expect(gateway().cancelRun({ ...ids, runId: 'r1' })).rejects.toMatchObject({ code: 'unavailable' });
  become('up');
  expect(await decidePart(gateway(), 'ann', approve)).toBe('decided');
});

test('W-17 a database that hears of it late: who asks for the run gets it', async () => {
  const { store, gateway, knows } = world();
  knows(null);
  await gateway().readState(ids);
  await expect(decidePart(gateway(), 'ann', approve)).rejects.toMatchObject({ code: 'not-found' });
  knows(parked);
  // Who looks without a name for it sees what is here.
  expect(await gateway().readState(ids)).toMatchObject({ run: null });
  expect(await decidePart(gateway(), 'ann', approve)).toBe('decided');
  expect(await store.readState(ids)).toMatchObject({ run: { runId: 'r1' } });
});
