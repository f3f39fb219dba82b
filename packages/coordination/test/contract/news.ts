import { newId, type ListEvent } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import { append, endOf, startRun, type Current } from './world.ts';

/** What a person's open pages hear of their list, from whichever process it happens in. */
export const newsContract = (current: Current): void => {
  test('a run that begins and ends, another title, a deletion: each is told to the owner with the conversation’s name', async () => {
    const { log, other } = current();
    const userId = `${newId()} {ä|b}`;
    const heard: ListEvent[] = [];
    const following = await other.followPerson(userId, {
      message: (bytes) => void heard.push(JSON.parse(bytes.toString()) as ListEvent),
      resubscribed: () => {},
    });
    const told = async (change: ListEvent['change'], count: number): Promise<ListEvent> => {
      await waitFor(() => heard.length === count);
      expect(heard.at(-1)!.change).toBe(change);
      return heard.at(-1)!;
    };
    const run = await startRun(log, { userId, title: 'Chào "bạn"' });
    const name = run.conversationId;
    expect(await told('answering', 1)).toEqual({ type: 'list', change: 'answering', name, title: 'Chào "bạn"' });
    await append(log, run, 0, 'w000001 ');
    await log.endRun(endOf(run, 'w000001 '));
    expect(await told('answered', 2)).toMatchObject({ name });
    await log.setTitle({ conversationId: name, userId, title: 'T' });
    expect(await told('changed', 3)).toMatchObject({ name, title: 'T' });
    // Nothing happened: nobody is told.
    await log.endRun(endOf(run, 'w000001 '));
    await log.setTitle({ conversationId: name, userId: 'bob', title: 'U' });
    await log.deleteConversation({ conversationId: name, userId });
    expect(await told('deleted', 4)).toMatchObject({ name });
    await following.close();
  });
};
