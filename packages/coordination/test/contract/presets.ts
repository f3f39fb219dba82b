import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import { claimed, LEASE_MS, MODELS, promptOf, snapshotOf, USER, wholeRun, type Current } from './world.ts';

/** What a conversation has of its own for models. */
export const presetsContract = (current: Current): void => {
  const claimNext = async (conversationId: string, change: object = {}) => {
    const { log } = current();
    const prompt = promptOf({ conversationId, ...change });
    const begun = await log.beginRun(prompt);
    if (begun.outcome !== 'started') return begun;
    return claimed(await log.claimRun({ conversationId, runId: prompt.runId, owner: 'pod-a.1', leaseMs: LEASE_MS, models: MODELS }));
  };
  const listed = async (conversationId: string, userId = USER) =>
    (await current().log.listConversations({ userId, limit: 200 })).conversations.find((one) => one.conversationId === conversationId);

  test('its own text goes to its models, its own model is asked; both are listed, and can be taken away', async () => {
    const { log } = current();
    const userId = `user-${newId()}`;
    const { conversationId } = await wholeRun(log, { userId });
    const of = { conversationId, userId };
    const { offset } = await snapshotOf(log, conversationId);
    expect(await log.setPreset({ ...of, system: 'Nói "ngắn" thôi', model: 'story' })).toEqual({ outcome: 'done', offset });
    const preset = { system: 'Nói "ngắn" thôi', model: 'story' };
    await waitFor(async () => (await listed(conversationId, userId))?.system !== undefined);
    expect(await listed(conversationId, userId)).toMatchObject(preset);
    expect(await claimNext(conversationId, { userId, preset: true })).toEqual({ outcome: 'other-model', model: 'story' });

    expect(await log.setPreset({ ...of, model: '' })).toMatchObject({ outcome: 'done' });
    expect(await claimNext(conversationId, { userId, preset: true })).toMatchObject({ system: 'Nói "ngắn" thôi' });
    await log.setPreset({ ...of, system: '' });
    await waitFor(async () => (await listed(conversationId, userId))?.system === undefined);
  });

  test('only its owner changes it, and only where there is one', async () => {
    const { log } = current();
    const { conversationId } = await wholeRun(log);
    expect(await log.setPreset({ conversationId, userId: 'bob', system: 'x' })).toEqual({ outcome: 'forbidden' });
    expect(await log.setPreset({ conversationId: newId(), userId: USER, system: 'x' })).toEqual({ outcome: 'not-found' });
  });

  test('it comes back with the conversation', async () => {
    const { log } = current();
    const conversationId = newId();
    const stored = { conversationId, userId: USER, title: 'T', messages: [], hasMore: false, system: 'kept', model: 'story' };
    expect(await log.rehydrate(stored)).toMatchObject({ outcome: 'rehydrated' });
    expect(await claimNext(conversationId, { preset: true })).toEqual({ outcome: 'other-model', model: 'story' });
    expect(await claimNext(conversationId, { preset: true, model: 'story' })).toMatchObject({ system: 'kept', run: { model: 'story' } });
  });
};
