import { newId, type Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import {
  append,
  claimed,
  collect,
  endOf,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

const OTHER = 'user-2';
const old = (messageId: string, parentId: string | null = null): Message => ({
  ...{ messageId, parentId, role: 'user', text: `old ${messageId}`, status: 'complete', createdAt: 1, author: USER },
});

/** Whose an id is when the conversation is gone, and what becomes of one that was made before the database could be asked. */
export const provingContract = (current: Current): void => {
  test('S-22 a deleted id stays its owner’s: she makes it again, others are refused, and a reader is, too', async () => {
    const { log, other } = current();
    const { conversationId } = await wholeRun(log);
    await log.deleteConversation({ conversationId, userId: USER });
    for (const making of ['no', 'proven', 'unproven'] as const)
      expect(await other.beginRun({ ...promptOf({ conversationId }), userId: OTHER, making })).toEqual({
        outcome: 'forbidden',
        doubtful: true,
      });
    expect(await other.readState({ conversationId, userId: OTHER })).toEqual({ kind: 'forbidden', doubtful: true });
    expect(await log.readState({ conversationId, userId: USER })).toEqual({ kind: 'none' });
    expect((await log.beginRun(promptOf({ conversationId }))).outcome).toBe('started');
    expect(await other.beginRun({ ...promptOf({ conversationId }), userId: OTHER })).toEqual({ outcome: 'forbidden' });
  });

  test('S-17 erasing a person frees the id', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log);
    await log.deleteConversation({ conversationId, userId: USER, forget: true });
    expect((await log.beginRun({ ...promptOf({ conversationId }), userId: OTHER })).outcome).toBe('started');
  });

  test('S-17 nobody brings back what was erased, as long as the database may not know', async () => {
    const { log, other } = current();
    const { conversationId } = await wholeRun(log);
    await log.deleteConversation({ conversationId, userId: USER, forget: true, deletedBy: OTHER });
    const stored = { conversationId, title: '', messages: [old(newId())], hasMore: false };
    for (const userId of [USER, OTHER]) expect(await other.rehydrate({ ...stored, userId })).toEqual({ outcome: 'gone' });
  });

  test('B6 a prompt that must not make a conversation makes none', async () => {
    const { log } = current();
    const prompt = promptOf();
    expect(await log.beginRun({ ...prompt, making: 'no' })).toEqual({ outcome: 'none' });
    expect(await log.readState({ conversationId: prompt.conversationId })).toEqual({ kind: 'none' });
    expect((await log.beginRun(prompt)).outcome).toBe('started');
    expect(await log.beginRun({ ...prompt, making: 'no' })).toMatchObject({ outcome: 'duplicate' });
  });

  test('B6 what the database has goes under what was made without it, while the answer runs; the model’s place is not lost', async () => {
    const { log, other } = current();
    const conversationId = newId();
    const [first, second] = [newId(), newId()];
    const run = await startRun(log, { conversationId, making: 'unproven', parentId: second });
    await append(log, run, 0, 'half ');
    const before = await snapshotOf(log, conversationId);
    expect(before).toMatchObject({ unproven: true, hasMore: true });
    const followed = await collect(other, conversationId);
    const stored = { conversationId, title: 'Cũ', messages: [old(first), old(second, first), ...before.messages], hasMore: false };
    expect(await log.mergeStored({ ...stored, userId: OTHER })).toEqual({ outcome: 'forbidden' });
    const merged = await log.mergeStored({ ...stored, userId: USER });
    expect(merged).toMatchObject({ outcome: 'merged' });
    await waitFor(() => followed.entries.length === 1);
    expect(JSON.parse(followed.entries[0]!.json)).toMatchObject({ type: 'title', offset: 1, title: 'Cũ' });
    const after = await snapshotOf(log, conversationId);
    expect(after.messages.map((m) => m.messageId)).toEqual([first, second, run.messageId]);
    expect(after).toMatchObject({ title: 'Cũ', hasMore: false, run: { runId: run.runId, text: 'half ' } });
    expect(after.unproven).toBeUndefined();
    expect(await log.mergeStored({ ...stored, userId: USER })).toEqual({ outcome: 'proven' });
    await append(log, run, 5, 'whole');
    expect((await log.endRun(endOf(run, 'half whole'))).outcome).toBe('ended');
    const next = promptOf({ conversationId });
    await log.beginRun(next);
    const claim = claimed(await log.claimRun({ conversationId, runId: next.runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    expect(claim.messages.map((m) => m.messageId)).toEqual([first, second, run.messageId, run.runId, next.message.messageId]);
    await followed.close();
  });

  test('B6 two hundred messages stay, the newest, and the database has the rest', async () => {
    const { log } = current();
    const { conversationId, messageId } = await wholeRun(log, { making: 'unproven' });
    const messages = Array.from({ length: 200 }, (_, index) => old(`old-${index}`));
    await log.mergeStored({ conversationId, userId: USER, title: 'Cũ', messages, hasMore: false });
    const page = await log.readHistory({ conversationId, userId: USER, limit: 200 });
    const ids = page.kind === 'page' ? page.messages.map((m) => m.messageId) : [];
    expect([ids.length, ids[0], ids[198], page.kind === 'page' && page.hasMore]).toEqual([200, 'old-2', messageId, true]);
    // Read twice: what a look mends it does before it shows it.
    for (let look = 0; look < 2; look++) {
      const all = await log.readHistory({ conversationId, userId: USER, limit: 300 });
      expect(all.kind === 'page' && all.messages.map((m) => m.messageId)).toEqual(ids);
    }
  });

  test('B6 as many as stay are all there, and there are no more', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { making: 'unproven' });
    const messages = Array.from({ length: 198 }, (_, index) => old(`old-${index}`));
    await log.mergeStored({ conversationId, userId: USER, title: 'Cũ', messages, hasMore: false });
    const page = await log.readHistory({ conversationId, userId: USER, limit: 300 });
    expect(page.kind === 'page' && [page.messages.length, page.messages[0]!.messageId, page.hasMore]).toEqual([200, 'old-0', false]);
  });

  test('B6 one that is proven and lacks nothing keeps its log; that there are more is not forgotten when one of them comes', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { making: 'unproven' });
    const { logId } = await snapshotOf(log, conversationId);
    const nothing = { conversationId, userId: USER, title: '', messages: [], hasMore: false };
    expect(await log.mergeStored(nothing)).toEqual({ outcome: 'proven' });
    const proven = await snapshotOf(log, conversationId);
    expect(proven).toMatchObject({ logId, hasMore: false });
    expect(proven.unproven).toBeUndefined();
    const second = newId();
    await log.rehydrate({ conversationId: second, userId: USER, title: '', messages: [old('m1')], hasMore: true });
    const lacking = { conversationId: second, userId: USER, title: '', messages: [old('m0')], hasMore: false };
    expect(await log.mergeStored(lacking)).toMatchObject({ outcome: 'merged' });
    expect(await snapshotOf(log, second)).toMatchObject({ hasMore: true, messages: [{ messageId: 'm0' }, { messageId: 'm1' }] });
  });

  test('S-1 who took an id is expelled when it is somebody else’s: the run is closed and the owner’s conversation comes back', async () => {
    const { log, other } = current();
    const conversationId = newId();
    const run = await startRun(log, { conversationId, userId: OTHER, making: 'unproven' });
    expect(await log.readState({ conversationId, userId: USER })).toEqual({ kind: 'forbidden', doubtful: true });
    expect(await log.expel({ conversationId, intruder: 'user-3' })).toEqual({ outcome: 'gone' });
    expect(await log.expel({ conversationId, rightful: OTHER })).toEqual({ outcome: 'gone' });
    const followed = await collect(other, conversationId);
    expect(await log.expel({ conversationId, rightful: USER })).toEqual({ outcome: 'expelled', userId: OTHER });
    await waitFor(() => followed.hints.length === 1);
    expect(await append(log, run, 0, 'late')).toEqual({ outcome: 'closed' });
    const stored = { conversationId, userId: USER, title: 'Hers', messages: [old('m1')], hasMore: false };
    expect((await log.rehydrate(stored)).outcome).toBe('rehydrated');
    expect(await snapshotOf(log, conversationId)).toMatchObject({ title: 'Hers', messages: [{ messageId: 'm1' }], run: null });
    // What is proven is nobody's to take away.
    expect(await log.expel({ conversationId, rightful: OTHER })).toEqual({ outcome: 'gone' });
    await followed.close();
  });

  test('S-1 an id that its intruder was expelled from is free: its owner begins there', async () => {
    const { log } = current();
    const { conversationId } = await startRun(log, { userId: OTHER, making: 'unproven' });
    expect(await log.expel({ conversationId, rightful: USER })).toEqual({ outcome: 'expelled', userId: OTHER });
    expect(await log.beginRun(promptOf({ conversationId }))).toMatchObject({ outcome: 'started' });
  });

  test('S-1 who sat at an id and deleted what they had there did not delete its owner’s', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { userId: OTHER, making: 'unproven' });
    await log.deleteConversation({ conversationId, userId: OTHER });
    expect(await log.readState({ conversationId, userId: USER })).toEqual({ kind: 'forbidden', doubtful: true });
    const stored = { conversationId, title: 'Hers', messages: [old('m1')], hasMore: false };
    expect(await log.rehydrate({ ...stored, userId: OTHER })).toEqual({ outcome: 'gone' });
    expect((await log.rehydrate({ ...stored, userId: USER })).outcome).toBe('rehydrated');
    expect(await log.readState({ conversationId, userId: OTHER })).toEqual({ kind: 'forbidden' });
  });
};
