import { createMemoryRunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { RunnelError, type Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { withRehydration } from './rehydration.ts';

const messages: Message[] = [
  { messageId: 'm1', parentId: null, role: 'user', text: 'hỏi', status: 'complete', createdAt: 1, author: 'ann' },
  { messageId: 'r1', parentId: 'm1', role: 'assistant', text: 'đáp', status: 'complete', model: 'count', createdAt: 2 },
];

/** A database that knows conversation `old` of ann, and counts how often it is asked. */
const world = () => {
  let [asked, isDown, now] = [0, false, 0];
  const inner = new MemoryStore(Date.now, 1_000);
  const store = createMemoryRunLog({ store: inner });
  const call = async (path: string, { userId }: { userId?: string } = {}) => {
    asked++;
    if (isDown) throw new RunnelError('unavailable');
    if (!path.startsWith('/history/old?')) return { status: 404, body: null };
    return userId === 'ann' ? { status: 200, body: { messages, hasMore: true, title: 'Cũ' } } : { status: 403, body: null };
  };
  const runLog = withRehydration(store, { call }, () => now);
  return { runLog, store, inner, asked: () => asked, down: (value: boolean) => (isDown = value), pass: (ms: number) => (now += ms) };
};
const prompt = (conversationId: string, messageId = 'm2') => ({
  conversationId,
  userId: 'ann',
  runId: `r-${messageId}`,
  model: 'count',
  message: { messageId, text: 'và?' },
  title: 'Mới',
});

test('a conversation that only the database knows opens, and many readers ask once', async () => {
  const { runLog, asked } = world();
  const states = await Promise.all([1, 2, 3].map(() => runLog.readState({ conversationId: 'old', userId: 'ann' })));
  for (const state of states) expect(state).toMatchObject({ kind: 'snapshot', title: 'Cũ', hasMore: true, messages });
  expect(asked()).toBe(1);
});

test('a prompt to it goes on from its last answer, also when nobody has opened it', async () => {
  const { runLog, store } = world();
  expect((await runLog.beginRun(prompt('old'))).outcome).toBe('started');
  const claim = await store.claimRun({ conversationId: 'old', runId: 'r-m2', owner: 'pod', leaseMs: 3_000, models: { count: true } });
  expect(claim.outcome === 'claimed' && claim.messages.map((m) => m.messageId)).toEqual(['m1', 'r1', 'm2']);
});

test('it is renamed, loses a message and is deleted like any other; after that it stays gone', async () => {
  const { runLog } = world();
  expect((await runLog.setTitle({ conversationId: 'old', userId: 'ann', title: 'Tên' })).outcome).toBe('done');
  expect((await runLog.deleteMessage({ conversationId: 'old', userId: 'ann', messageId: 'r1' })).outcome).toBe('done');
  expect((await runLog.deleteConversation({ conversationId: 'old', userId: 'ann' })).outcome).toBe('done');
  expect(await runLog.readState({ conversationId: 'old', userId: 'ann' })).toEqual({ kind: 'none' });
});

test('somebody else does not get it, and one that nobody knows is asked for once', async () => {
  const { runLog, asked } = world();
  expect(await runLog.readState({ conversationId: 'old', userId: 'bob' })).toEqual({ kind: 'none' });
  for (let i = 0; i < 3; i++) expect(await runLog.readState({ conversationId: 'new', userId: 'ann' })).toEqual({ kind: 'none' });
  expect((await runLog.beginRun(prompt('new'))).outcome).toBe('started');
  expect(asked()).toBe(2);
});

test('P-10 a database that is down is asked now and then, and chat goes on', async () => {
  const { runLog, asked, down, pass } = world();
  down(true);
  for (let i = 0; i < 5; i++) expect((await runLog.beginRun(prompt(`c${i}`, `m${i}`))).outcome).toBe('started');
  expect(asked()).toBe(1);
  down(false);
  pass(2_001);
  expect((await runLog.readState({ conversationId: 'old', userId: 'ann' })).kind).toBe('snapshot');
});

test('B5 what the store lost with its tail and the database has is shown again, and a slow or dead database holds up no reader', async () => {
  const { runLog, inner, store, asked, down, pass } = world();
  // The store went back to when the conversation had its question only.
  const [question] = messages;
  await store.rehydrate({ conversationId: 'old', userId: 'ann', title: 'Cũ', hasMore: false, messages: [question!] });
  const read = () => runLog.readState({ conversationId: 'old', userId: 'ann' });
  expect(await read()).toMatchObject({ messages: [question] });
  expect(asked()).toBe(0);
  inner.raise();
  down(true);
  expect(await read()).toMatchObject({ kind: 'snapshot', messages: [question] });
  down(false);
  pass(2_001);
  expect(await read()).toMatchObject({ kind: 'snapshot', messages });
  const claimed = await runLog.beginRun(prompt('old'));
  expect(claimed.outcome).toBe('started');
  expect(await store.readState({ conversationId: 'old' })).toMatchObject({ messages: [...messages, { parentId: 'r1' }] });
});
