import { createMemoryRunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { RunnelError, type Message } from '@runnel/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { decidePart } from '../commands/decide.ts';
import { withRehydration } from './rehydration.ts';

const messages: Message[] = [
  { messageId: 'm1', parentId: null, role: 'user', text: 'hỏi', status: 'complete', createdAt: 1, author: 'ann' },
  { messageId: 'r1', parentId: 'm1', role: 'assistant', text: 'đáp', status: 'complete', model: 'count', createdAt: 2 },
];

/** A database that knows conversation `old` of ann, and counts how often it is asked. */
const world = () => {
  let [asked, state] = [0, 'up' as 'up' | 'down' | 'hangs'];
  const inner = new MemoryStore(Date.now, 100);
  const store = createMemoryRunLog({ store: inner });
  const call = async (path: string, { userId }: { userId?: string } = {}) => {
    asked++;
    // As long as a client waits for it.
    if (state === 'hangs') await new Promise((resolve) => setTimeout(resolve, 2_000));
    if (state !== 'up') throw new RunnelError('unavailable');
    if (!path.startsWith('/history/old?')) return { status: 404, body: null };
    return userId === 'ann' ? { status: 200, body: { messages, hasMore: true, title: 'Cũ' } } : { status: 403, body: null };
  };
  const runLog = withRehydration(store, { call });
  return { runLog, inner, store, asked: () => asked, become: (value: typeof state) => (state = value) };
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

test('B17 what is here and cannot be answered is not found, also while the database is away; of what is not here nobody knows', async () => {
  const { runLog, become } = world();
  await runLog.readState({ conversationId: 'old', userId: 'ann' });
  await runLog.deleteMessage({ conversationId: 'old', userId: 'ann', messageId: 'm1' });
  become('down');
  const again = { ...prompt('old'), message: null, parentId: 'm1' };
  expect(await runLog.beginRun(again)).toEqual({ outcome: 'not-found' });
  expect(await runLog.beginRun({ ...again, parentId: 'r1' })).toEqual({ outcome: 'not-found' });
  await expect(runLog.beginRun({ ...again, parentId: 'm0' })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(runLog.beginRun({ ...again, continues: 'r0' })).rejects.toMatchObject({ code: 'unavailable' });
});

test('S-1 somebody else is refused, whatever they ask, and one that nobody knows is asked for once', async () => {
  const { runLog, asked } = world();
  const [conversationId, userId] = ['old', 'bob'];
  expect(await runLog.readState({ conversationId, userId })).toEqual({ kind: 'forbidden' });
  expect((await runLog.beginRun({ ...prompt('old'), userId })).outcome).toBe('forbidden');
  expect((await runLog.setTitle({ conversationId, userId, title: 'x' })).outcome).toBe('forbidden');
  expect((await runLog.deleteMessage({ conversationId, userId, messageId: 'r1' })).outcome).toBe('forbidden');
  expect((await runLog.deleteConversation({ conversationId, userId })).outcome).toBe('forbidden');
  expect((await runLog.cancelRun({ conversationId, userId, runId: 'r1' })).outcome).toBe('forbidden');
  expect(asked()).toBe(1);
  for (let i = 0; i < 3; i++) expect(await runLog.readState({ conversationId: 'new', userId: 'ann' })).toEqual({ kind: 'none' });
  expect((await runLog.beginRun(prompt('new'))).outcome).toBe('started');
  expect(asked()).toBe(2);
});

test('B6 the prompt in the very moment in which the store forgets goes on in the old conversation, with its parent', async () => {
  let ahead = 0;
  const store = createMemoryRunLog({ now: () => Date.now() + ahead });
  const call = async () => ({ status: 200, body: { messages, hasMore: false, title: 'Cũ' } });
  const runLog = withRehydration(store, { call });
  await runLog.readState({ conversationId: 'old', userId: 'ann' });
  ahead = 86_400_000;
  expect((await runLog.beginRun({ ...prompt('old'), parentId: 'r1' })).outcome).toBe('started');
  expect(await runLog.readState({ conversationId: 'old', userId: 'ann' })).toMatchObject({
    messages: [{ messageId: 'm1' }, { messageId: 'r1' }, { messageId: 'm2', parentId: 'r1' }],
  });
});

test('B11 P-10 a database that hangs holds one prompt up for 200 ms and no other; what it owed is merged when it answers', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { runLog, become } = world();
  become('hangs');
  for (let i = 0; i < 20; i++) {
    const [before, begun] = [performance.now(), runLog.beginRun({ ...prompt(i === 9 ? 'old' : `c${i}`, `n${i}`), parentId: 'r1' })];
    await vi.advanceTimersByTimeAsync(i === 0 ? 200 : 0);
    expect((await begun).outcome).toBe('started');
    expect(performance.now() - before).toBeLessThanOrEqual(i === 0 ? 200 : 0);
  }
  const reading = { conversationId: 'old', userId: 'ann' };
  expect(await runLog.readState(reading)).toMatchObject({ hasMore: true, messages: [{ messageId: 'n9', parentId: 'r1' }] });
  become('up');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await runLog.readState(reading)).toMatchObject({ messages: [{ messageId: 'm1' }, { messageId: 'r1' }, { messageId: 'n9' }] });
});

test('S-1 P-10 who took an id while the database was away is out of it when it answers, and the owner finds everything', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { runLog, store, become } = world();
  become('down');
  expect((await runLog.beginRun({ ...prompt('old'), userId: 'bob' })).outcome).toBe('started');
  expect((await runLog.readState({ conversationId: 'old', userId: 'ann' })).kind).toBe('forbidden');
  become('up');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await store.claimRun({ conversationId: 'old', runId: 'r-m2', owner: 'pod', leaseMs: 3_000, models: { count: true } })).toEqual({
    outcome: 'gone',
  });
  expect(await runLog.readState({ conversationId: 'old', userId: 'bob' })).toEqual({ kind: 'forbidden' });
  expect(await runLog.readState({ conversationId: 'old', userId: 'ann' })).toMatchObject({ title: 'Cũ', messages, run: null });
});

test('S-1 also when the gateway that let them in is gone: the owner’s own look is enough, and a retry of the intruder is refused', async () => {
  const { runLog, store } = world();
  await store.beginRun({ ...prompt('old'), userId: 'bob', making: 'unproven' });
  expect(await runLog.readState({ conversationId: 'old', userId: 'ann' })).toMatchObject({ title: 'Cũ', messages, run: null });
  expect((await runLog.beginRun({ ...prompt('old'), userId: 'bob' })).outcome).toBe('forbidden');
});

test('B5 what the store lost with its tail and the database has is shown again, and a slow or dead database holds up no reader', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { runLog, inner, store, asked, become } = world();
  // The store went back to when the conversation had its question only.
  const [question] = messages;
  await store.rehydrate({ conversationId: 'old', userId: 'ann', title: 'Cũ', hasMore: false, messages: [question!] });
  const read = () => runLog.readState({ conversationId: 'old', userId: 'ann' });
  expect(await read()).toMatchObject({ messages: [question] });
  expect(asked()).toBe(0);
  inner.raise();
  become('down');
  expect(await read()).toMatchObject({ kind: 'snapshot', messages: [question] });
  become('up');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await read()).toMatchObject({ kind: 'snapshot', messages });
  const claimed = await runLog.beginRun(prompt('old'));
  expect(claimed.outcome).toBe('started');
  expect(await store.readState({ conversationId: 'old' })).toMatchObject({ messages: [...messages, { parentId: 'r1' }] });
});

/** The store went back to when conversation `old` had its question only. */
const wentBack = async () => {
  const given = world();
  await given.store.rehydrate({ conversationId: 'old', userId: 'ann', title: 'Cũ', hasMore: false, messages: messages.slice(0, 1) });
  given.inner.raise();
  return given;
};

test('B5 W-11 a page of history alone is whole after the store went back, with the database away the copy, and asked once', async () => {
  const { runLog, asked } = await wentBack();
  const page = { conversationId: 'old', userId: 'ann', limit: 50 };
  expect(await runLog.readHistory(page)).toMatchObject({ kind: 'page', messages });
  expect(await runLog.readHistory({ ...page, before: 'r1' })).toMatchObject({ kind: 'page', messages: messages.slice(0, 1) });
  expect(asked()).toBeLessThanOrEqual(3);
  const second = await wentBack();
  second.become('down');
  expect(await second.runLog.readHistory(page)).toMatchObject({ kind: 'page', messages: messages.slice(0, 1), lossy: true });
});

test.each(['message', 'run'])(
  'W-4 a prompt sent again after the store lost its answer is answered with that answer (by its %s)',
  async (by) => {
    const { runLog } = await wentBack();
    const again = { ...prompt('old', by === 'run' ? 'm9' : 'r1'), ...(by === 'run' && { runId: 'r1' }) };
    expect(await runLog.beginRun(again)).toMatchObject({ outcome: 'duplicate', runId: 'r1' });
    const fresh = await runLog.beginRun(prompt('old'));
    expect(fresh.outcome).toBe('started');
    expect(await runLog.readState({ conversationId: 'old', userId: 'ann' })).toMatchObject({ messages: [...messages, { parentId: 'r1' }] });
  },
);

test('P-10 a prompt behind a changed store does not wait for a database that is away', async () => {
  const { runLog, become } = await wentBack();
  become('down');
  expect((await runLog.beginRun(prompt('old'))).outcome).toBe('started');
});

test('B5 a deletion that the store lost and the database has heard of stands: nobody reads the older copy', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const inner = new MemoryStore(Date.now, 100);
  const store = createMemoryRunLog({ store: inner });
  const told: { deleted?: { logId: string; at: number } } = {};
  const runLog = withRehydration(store, { call: async () => ({ status: 404, body: told }) });
  const read = (conversationId: string) => runLog.readState({ conversationId, userId: 'ann' });
  const logs: string[] = [];
  for (const conversationId of ['gone', 'kept']) {
    await runLog.beginRun(prompt(conversationId, `of-${conversationId}`));
    const state = await read(conversationId);
    logs.push(state.kind === 'snapshot' ? state.logId! : '');
  }
  inner.raise();
  told.deleted = { logId: logs[0]!, at: Date.now() };
  expect(await read('gone')).toEqual({ kind: 'none' });
  // Deleted once, and made again before the store went back: that is another log.
  expect(await read('kept')).toMatchObject({ kind: 'snapshot', messages: [{ messageId: 'of-kept' }] });
});

test('B17 a decision on what the store forgot is unavailable while the database is away, and not-found when it knows of no such part', async () => {
  const { runLog, become } = world();
  const decision = { conversationId: 'old', runId: 'r9', partId: 'p1', decision: 'skip' } as const;
  become('down');
  await expect(decidePart(runLog, 'ann', decision)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  const { runLog: answered } = world();
  await expect(decidePart(answered, 'ann', decision)).rejects.toMatchObject({ code: 'not-found' });
  await expect(decidePart(answered, 'bob', decision)).rejects.toMatchObject({ code: 'forbidden' });
});
