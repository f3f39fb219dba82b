import { createMemoryRunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import type { Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { withRehydration } from './rehydration.ts';

/** A store that went back to a running answer, and a database that has a row of its name. */
const goneBack = async (change: Partial<Message>) => {
  const inner = new MemoryStore(Date.now, 1_000);
  const store = createMemoryRunLog({ store: inner });
  const ids = { conversationId: 'c', userId: 'ann' };
  await store.beginRun({ ...ids, runId: 'r1', model: 'count', message: { messageId: 'm1', text: 'hỏi' }, title: 'T' });
  const claim = await store.claimRun({ ...ids, runId: 'r1', owner: 'pod', leaseMs: 3_000, models: { count: true } });
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  const { startedAt } = claim.run;
  const row: Message = {
    messageId: 'r1',
    parentId: 'm1',
    role: 'assistant',
    text: 'đáp',
    status: 'complete',
    createdAt: startedAt,
    ...change,
  };
  inner.raise();
  const call = async () => ({ status: 200, body: { messages: [...claim.messages, row], hasMore: false, title: 'T' } });
  return withRehydration(store, { call }).readState(ids);
};

test('B4 an end that only the database has is written again when the conversation is read, before any pod may claim the copy', async () => {
  const state = await goneBack({});
  expect(state).toMatchObject({
    kind: 'snapshot',
    run: null,
    messages: [{ messageId: 'm1' }, { messageId: 'r1', text: 'đáp', status: 'complete' }],
  });
});

test.each<Partial<Message>>([{ createdAt: 5 }, { status: 'deleted', text: '' }, { role: 'user' }])(
  'B4 %o is not its end',
  async (change) => {
    expect(await goneBack(change)).toMatchObject({ kind: 'snapshot', run: { runId: 'r1' } });
  },
);
