import { newId, type Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import {
  claimed,
  claimedSoon,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

const old = (messageId: string): Message => ({
  ...{ messageId, parentId: null, role: 'user', text: `old ${messageId}`, status: 'complete', createdAt: 1, author: USER },
});

/** What the database's copy of a conversation may change of one that is here. */
export const mergingContract = (current: Current): void => {
  const stored = (conversationId: string, change: object = {}) => ({
    ...{ conversationId, userId: USER, title: 'Cũ', messages: [] as Message[], hasMore: false },
    ...change,
  });
  const systemOf = async (conversationId: string): Promise<string | undefined> => {
    const { log } = current();
    const { runId, ...next } = promptOf({ conversationId });
    expect(await log.beginRun({ ...next, runId })).toMatchObject({ outcome: 'started' });
    return claimed(await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS })).system;
  };

  test('B6 what is not here is not merged, and nobody is called a stranger to it', async () => {
    const { log } = current();
    const conversationId = newId();
    expect(await log.mergeStored(stored(conversationId, { messages: [old('m0')] }))).toEqual({ outcome: 'gone' });
    expect(await log.readState({ conversationId })).toEqual({ kind: 'none' });
  });

  test('B6 that the database has still more is known of a conversation that seemed whole', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log);
    expect(await snapshotOf(log, conversationId)).toMatchObject({ hasMore: false });
    expect(await log.mergeStored(stored(conversationId, { messages: [old('m0')], hasMore: true }))).toMatchObject({ outcome: 'merged' });
    expect(await snapshotOf(log, conversationId)).toMatchObject({ hasMore: true, messages: [{ messageId: 'm0' }, {}, {}] });
  });

  test('B6 what two hundred leave no room for is not missed afterwards', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { making: 'unproven' });
    const messages = Array.from({ length: 200 }, (_, index) => old(`old-${index}`));
    expect(await log.mergeStored(stored(conversationId, { messages }))).toMatchObject({ outcome: 'merged' });
    expect(await snapshotOf(log, conversationId)).not.toHaveProperty('lossy');
  });

  test('a question that was merged is known by the answer it got (W-4)', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log, { making: 'unproven' });
    const answer: Message = { ...old('a0'), parentId: 'q0', role: 'assistant', createdAt: 2 };
    await log.mergeStored(stored(conversationId, { messages: [old('q0'), answer] }));
    expect(await log.findRun({ conversationId, userId: USER, messageId: 'q0', runId: newId() })).toMatchObject({
      outcome: 'ended',
      runId: 'a0',
    });
  });

  test('a conversation that may lack something takes the database’s word for what models are told, one that lacks nothing does not', async () => {
    const { log } = current();
    const whole = await wholeRun(log);
    expect(await log.rehydrate(stored(whole.conversationId, { system: 'old words' }))).toEqual({ outcome: 'exists' });
    expect(await systemOf(whole.conversationId)).toBeUndefined();

    const first = stored(newId(), { messages: [old('m0')] });
    await log.rehydrate(first);
    const run = await startRun(log, { conversationId: first.conversationId }, { leaseMs: 0 });
    await log.restoreRun(restoreOf(run, 'ab'));
    expect((await snapshotOf(log, first.conversationId)).lossy).toBe(true);
    expect(await log.rehydrate({ ...first, system: 'Nói ngắn' })).toEqual({ outcome: 'exists' });
    // For ten seconds the database may hear of more.
    expect((await snapshotOf(log, first.conversationId)).lossy).toBe(true);
    const claim = { ...run, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS };
    await current().jump(LEASE_MS * 2, [run]);
    expect((await claimedSoon(log, claim)).system).toBe('Nói ngắn');
  });

  test('who never chose a model for a conversation has chosen none when it comes back', async () => {
    const { log } = current();
    const first = stored(newId(), { messages: [old('m0')] });
    await log.rehydrate(first);
    expect(await log.beginRun({ ...promptOf({ conversationId: first.conversationId }), preset: true })).toMatchObject({
      outcome: 'started',
    });
  });

  test('a conversation that was made while the database was away takes what it had been given before, and not a name its owner has changed since', async () => {
    const { log } = current();
    const { conversationId: made } = await wholeRun(log, { making: 'unproven', title: 'Mới' });
    const { conversationId: renamed } = await wholeRun(log, { making: 'unproven', title: 'Mới' });
    expect(await log.setTitle({ conversationId: renamed, userId: USER, title: 'Của tôi' })).toMatchObject({ outcome: 'done' });
    expect(await log.setPreset({ conversationId: renamed, userId: USER, system: 'Mới hơn' })).toMatchObject({ outcome: 'done' });
    const told = { messages: [old('m0')], title: 'Cũ', system: 'Nói ngắn' };
    for (const conversationId of [made, renamed])
      expect(await log.mergeStored(stored(conversationId, told))).toMatchObject({ outcome: 'merged' });
    expect((await snapshotOf(log, made)).title).toBe('Cũ');
    expect((await snapshotOf(log, renamed)).title).toBe('Của tôi');
    const listed = async (): Promise<object[]> =>
      (await log.listConversations({ userId: USER, limit: 200 })).conversations.filter((one) =>
        [made, renamed].includes(one.conversationId),
      );
    const asTheyAre = [
      { conversationId: made, title: 'Cũ', system: 'Nói ngắn' },
      { conversationId: renamed, title: 'Của tôi', system: 'Mới hơn' },
    ];
    await expect.poll(listed).toEqual(expect.arrayContaining(asTheyAre.map((one) => expect.objectContaining(one))));
    expect([await systemOf(made), await systemOf(renamed)]).toEqual(['Nói ngắn', 'Mới hơn']);
  });

  test('what the database has more changes nothing of what a proven conversation tells its models', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log);
    expect(await log.mergeStored(stored(conversationId, { messages: [old('m0')], system: 'old words' }))).toMatchObject({
      outcome: 'merged',
    });
    expect(await systemOf(conversationId)).toBeUndefined();
  });
};
