import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import type { StoredMessage } from '../../src/run-log/run-log.ts';
import { snapshotOf, startRun, USER, wholeRun, type Current } from './world.ts';

/** A copy of what was deleted, and made again under its id, behind which the store went back. */
export const madeAgainContract = (current: Current): void => {
  test('B5 what was made again after a deletion that the store lost takes the place of the copy, and nobody is told of a deletion', async () => {
    const { log, changeStore } = current();
    const [dead, newer] = [await wholeRun(log, {}, 'a'), await wholeRun(log, {}, 'b')];
    const logs = await Promise.all([dead, newer].map(async ({ conversationId }) => (await snapshotOf(log, conversationId)).logId!));
    const at = (await snapshotOf(log, newer.conversationId)).messages[0]!.createdAt;
    const hear = ({ conversationId }: { conversationId: string }, logId: string) =>
      log.deleteConversation({ conversationId, userId: USER, heard: { logId, at, remade: true } });
    expect(await hear(dead, logs[0]!)).toEqual({ outcome: 'not-found' });
    await changeStore();
    await waitFor(() => Date.now() > at + 1);
    for (const { conversationId } of [dead, newer]) await log.readState({ conversationId, userId: USER });
    await startRun(log, { conversationId: newer.conversationId });
    expect(await hear(newer, logs[1]!)).toEqual({ outcome: 'not-found' });
    expect(await hear(dead, newId())).toEqual({ outcome: 'not-found' });
    expect(await hear(dead, logs[0]!)).toMatchObject({ outcome: 'done' });
    const { conversationId } = dead;
    const messages: StoredMessage[] = [
      { messageId: 'again', parentId: null, role: 'user', text: 'Again', status: 'complete', createdAt: at + 1 },
    ];
    const stored = { conversationId, userId: USER, messages, hasMore: false, title: 'Again' };
    expect(await log.rehydrate(stored)).toMatchObject({ outcome: 'rehydrated' });
    expect((await snapshotOf(log, conversationId)).messages.map(({ messageId }) => messageId)).toEqual(['again']);
  });
};
