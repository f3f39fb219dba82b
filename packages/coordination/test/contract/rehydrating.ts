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
  restoreOf,
  snapshotOf,
  startListed,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

/** A question and its answer, as the database keeps them. */
const talk = (): Message[] => {
  const [asked, answered] = [newId(), newId()];
  return [
    { messageId: asked, parentId: null, role: 'user', text: 'hỏi', status: 'complete', createdAt: 1, author: USER },
    {
      messageId: answered,
      parentId: asked,
      role: 'assistant',
      text: 'đáp',
      status: 'complete',
      finish: 'length',
      model: 'count',
      createdAt: 2,
    },
  ];
};
const stored = (change: { conversationId?: string; messages?: Message[]; hasMore?: boolean } = {}) => ({
  conversationId: newId(),
  userId: USER,
  title: 'Cũ',
  messages: talk(),
  hasMore: false,
  ...change,
});

export const rehydratingContract = (current: Current): void => {
  test('W-4 B2 a question that came back without its run is answered when it is asked again, and once', async () => {
    const { log } = current();
    const { conversationId, ...prompt } = promptOf();
    const { messageId } = prompt.message;
    const question = { messageId, parentId: null, role: 'user', text: 'q', status: 'complete', createdAt: 1, author: USER } as const;
    await log.rehydrate({ conversationId, userId: USER, title: '', hasMore: false, messages: [question] });
    const again = () => log.beginRun({ ...prompt, conversationId });
    expect(await again()).toMatchObject({ outcome: 'started', runId: prompt.runId });
    expect(await again()).toMatchObject({ outcome: 'duplicate', runId: prompt.runId });
    const { messages, run } = await snapshotOf(log, conversationId);
    expect([messages.map((m) => m.messageId), run?.parentId]).toEqual([[messageId], messageId]);
    const { epoch } = claimed(await log.claimRun({ conversationId, runId: prompt.runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    expect(await log.endRun(endOf({ conversationId, runId: prompt.runId, epoch }, ''))).toMatchObject({ outcome: 'ended' });
    expect(await again()).toMatchObject({ outcome: 'duplicate', runId: prompt.runId });
  });

  test('a conversation that only the database knows opens and goes on as if it had never left', async () => {
    const { log, other } = current();
    const command = stored({ hasMore: true });
    const { conversationId, messages } = command;
    const followed = await collect(other, conversationId);
    const result = await log.rehydrate(command);
    expect(result.outcome).toBe('rehydrated');
    await waitFor(() => followed.hints.length === 1);
    expect(await snapshotOf(log, conversationId)).toMatchObject({ offset: 0, title: 'Cũ', messages, run: null, hasMore: true });
    // W-4: what was asked once is not asked again.
    const again = { messageId: messages[0]!.messageId, text: 'hỏi' };
    expect(await log.beginRun(promptOf({ conversationId, message: again }))).toMatchObject({
      outcome: 'duplicate',
      runId: messages[1]!.messageId,
    });

    const next = promptOf({ conversationId });
    expect((await log.beginRun(next)).outcome).toBe('started');
    const claim = claimed(await log.claimRun({ conversationId, runId: next.runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }));
    expect(claim.messages.map((m) => m.messageId)).toEqual([...messages.map((m) => m.messageId), next.message.messageId]);
    const run = { conversationId, runId: next.runId, epoch: claim.epoch };
    await append(log, run, 0, 'tiếp');
    expect((await log.endRun(endOf(run, 'tiếp'))).outcome).toBe('ended');
    await waitFor(() => followed.entries.length === 4);
    expect(followed.entries.map((e) => e.offset)).toEqual([1, 2, 3, 4]);
    await followed.close();
  });

  test('nothing is put over a conversation that is here, nor after its deletion', async () => {
    const { log, other } = current();
    const { conversationId } = await wholeRun(log);
    const before = await snapshotOf(log, conversationId);
    expect(await log.rehydrate(stored({ conversationId }))).toEqual({ outcome: 'exists' });
    expect(await other.rehydrate({ ...stored({ conversationId }), userId: 'user-2' })).toEqual({ outcome: 'forbidden' });
    expect(await snapshotOf(log, conversationId)).toEqual(before);
    await log.deleteConversation({ conversationId, userId: USER });
    expect(await log.rehydrate(stored({ conversationId }))).toEqual({ outcome: 'gone' });
    expect(await log.readState({ conversationId })).toEqual({ kind: 'none' });
  });

  test('of many that try at once, one puts it back', async () => {
    const { log, other } = current();
    const command = stored();
    const outcomes = await Promise.all([log, other, log, other].map(async (one) => (await one.rehydrate(command)).outcome));
    expect(outcomes.toSorted()).toEqual(['exists', 'exists', 'exists', 'rehydrated']);
  });

  test('a conversation that came back from the database is listed with the text for its models, also once something is said in it', async () => {
    const { log } = current();
    const userId = newId();
    const older = { ...stored(), userId, system: 'Nói ngắn' };
    const found = async () => (await log.listConversations({ userId, limit: 1 })).conversations[0];
    expect(await log.rehydrate(older)).toMatchObject({ outcome: 'rehydrated' });
    const listed = { conversationId: older.conversationId, title: 'Cũ', system: 'Nói ngắn' };
    await expect.poll(found).toMatchObject(listed);
    await startRun(log, { userId, conversationId: older.conversationId, model: 'count' });
    await expect.poll(found).toMatchObject({ ...listed, model: 'count' });
  });

  test('what the database adds to a conversation does not bring back the name it had there', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    await log.restoreRun(restoreOf(run, 'ab'));
    expect((await snapshotOf(log, conversationId)).lossy).toBe(true);
    expect(await log.setTitle({ conversationId, userId: USER, title: 'Của tôi' })).toMatchObject({ outcome: 'done' });
    expect(await log.rehydrate(stored({ conversationId }))).toMatchObject({ outcome: 'rehydrated' });
    // Behind what the store notes of it.
    await startListed(log, newId());
    const { conversations } = await log.listConversations({ userId: USER, limit: 10 });
    expect(conversations.find((listed) => listed.conversationId === conversationId)?.title).toBe('Của tôi');
    expect((await snapshotOf(log, conversationId)).title).toBe('Của tôi');
  });
};
