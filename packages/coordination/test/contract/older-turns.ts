import { newId, type Message } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, claimed, endOf, eventsOf, LEASE_MS, MODELS, OWNER, promptOf, restoreOf, snapshotOf, USER, type Current } from './world.ts';
import type { RunLog } from '../../src/run-log/run-log.ts';

/** A thread as the database has it: questions (even) and answers (odd), each under the one before. */
const threadOf = (length: number, name = newId().slice(0, 8)): Message[] =>
  Array.from({ length }, (_, index) => ({
    messageId: `${name}-${index}`,
    parentId: index === 0 ? null : `${name}-${index - 1}`,
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    text: `text ${index} "ế"`,
    status: 'complete' as const,
    createdAt: 1_000 + index,
    ...(index % 2 === 0 && { author: USER }),
  }));

/** Turns that are older than what the store keeps of a conversation: only the database has them. */
export const olderTurnsContract = (current: Current): void => {
  const GIVEN = 210;
  /** A conversation of 210 turns came back: the newest 200 are here. */
  const long = async (log: RunLog): Promise<{ conversationId: string; turns: Message[] }> => {
    const [conversationId, turns] = [newId(), threadOf(GIVEN)];
    await log.rehydrate({ conversationId, userId: USER, title: turns[0]!.text, messages: turns.slice(-200), hasMore: true });
    return { conversationId, turns };
  };
  const claim = async (log: RunLog, conversationId: string, runId: string, owner = OWNER) =>
    claimed(await log.claimRun({ conversationId, runId, owner, leaseMs: LEASE_MS, models: MODELS }));
  const idsOf = (messages: readonly Message[]): string[] => messages.map(({ messageId }) => messageId);
  const regenerate = (conversationId: string, parentId: string, change: object = {}) => ({
    ...promptOf({ conversationId, parentId, ...change }),
    message: null,
  });

  test('B17 a turn below one that is not here asks for its thread, and for nothing while all is here', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    const ask = { conversationId, thread: 'ask' as const };
    const before = await snapshotOf(log, conversationId);
    for (const parentId of [turns[3]!.messageId, 'never-heard-of'])
      expect(await log.beginRun(promptOf({ ...ask, parentId }))).toEqual({ outcome: 'older', messageId: parentId });
    expect(await log.beginRun(regenerate(conversationId, turns[2]!.messageId, ask))).toEqual({
      outcome: 'older',
      messageId: turns[2]!.messageId,
    });
    const on = { ...ask, continues: turns[3]!.messageId };
    expect(await log.beginRun(regenerate(conversationId, turns[2]!.messageId, on))).toEqual({
      outcome: 'older',
      messageId: turns[3]!.messageId,
    });
    // Who cannot ask is told that it is not there, as ever.
    expect(await log.beginRun(promptOf({ conversationId, parentId: turns[3]!.messageId }))).toEqual({ outcome: 'not-found' });
    expect(await log.beginRun(regenerate(conversationId, turns[2]!.messageId))).toEqual({ outcome: 'not-found' });
    expect(await snapshotOf(log, conversationId)).toEqual(before);
    // Of a thread that runs on for a hundred messages the rest is cut, as always.
    const short = promptOf({ ...ask, parentId: turns[108]!.messageId });
    expect(await log.beginRun(short)).toEqual({ outcome: 'older', messageId: turns[9]!.messageId });
    expect(await log.beginRun(promptOf({ ...ask, parentId: turns[109]!.messageId }))).toMatchObject({ outcome: 'started' });
    const whole = newId();
    await log.rehydrate({ conversationId: whole, userId: USER, title: '', messages: threadOf(4, 'w'), hasMore: false });
    expect(await log.beginRun(promptOf({ conversationId: whole, thread: 'ask', parentId: 'nowhere' }))).toEqual({ outcome: 'not-found' });
  });

  test('B17 an edit of an old question has the thread above it, also for who takes over, and also for the next prompt', async () => {
    const { log, other } = current();
    const { conversationId, turns } = await long(log);
    const thread = turns.slice(0, 4);
    const edit = promptOf({ conversationId, parentId: turns[3]!.messageId, thread });
    expect((await log.beginRun(edit)).outcome).toBe('started');
    const path = [...idsOf(thread), edit.message.messageId];
    const first = await claim(log, conversationId, edit.runId);
    expect(idsOf(first.messages)).toEqual(path);
    expect(first.messages[3]).toMatchObject({ text: 'text 3 "ế"', role: 'assistant' });
    await log.releaseRun({ conversationId, runId: edit.runId, epoch: 1 });
    expect(idsOf((await claim(other, conversationId, edit.runId, 'pod-b')).messages)).toEqual(path);
    expect(await log.endRun(endOf({ conversationId, runId: edit.runId, epoch: 2 }, ''))).toMatchObject({ outcome: 'ended' });
    expect((await snapshotOf(log, conversationId)).messages.at(-1)).toMatchObject({ messageId: edit.runId });
    const next = promptOf({ conversationId, thread: 'ask' });
    expect(await log.beginRun(next)).toEqual({ outcome: 'older', messageId: turns[3]!.messageId });
    expect((await log.beginRun({ ...next, thread })).outcome).toBe('started');
    const second = await claim(log, conversationId, next.runId);
    expect(idsOf(second.messages)).toEqual([...path, edit.runId, next.message.messageId]);
    await log.endRun(endOf({ conversationId, runId: next.runId, epoch: 1 }, ''));
    // The database is away: it goes on with what is here.
    const third = promptOf({ conversationId, thread: [] });
    expect((await log.beginRun(third)).outcome).toBe('started');
    expect(idsOf((await claim(log, conversationId, third.runId)).messages)[0]).toBe(edit.message.messageId);
  });

  test('B17 the oldest message that is here makes room for the question below it, and stays above it', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    const edit = promptOf({ conversationId, parentId: turns[10]!.messageId, thread: turns.slice(0, 10) });
    expect((await log.beginRun(edit)).outcome).toBe('started');
    expect(idsOf((await claim(log, conversationId, edit.runId)).messages)).toEqual([...idsOf(turns.slice(0, 11)), edit.message.messageId]);
  });

  test('B17 an old question is answered again, and an old answer gone on from', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    const again = regenerate(conversationId, turns[2]!.messageId, { thread: turns.slice(0, 3) });
    expect((await log.beginRun(again)).outcome).toBe('started');
    const claimedAgain = await claim(log, conversationId, again.runId);
    expect(claimedAgain).not.toHaveProperty('spoilt');
    expect(idsOf(claimedAgain.messages)).toEqual(idsOf(turns.slice(0, 3)));
    await log.endRun(endOf({ conversationId, runId: again.runId, epoch: 1 }, ''));
    const on = regenerate(conversationId, turns[2]!.messageId, { continues: turns[3]!.messageId, thread: turns.slice(0, 4) });
    expect((await log.beginRun(on)).outcome).toBe('started');
    const goneOn = await claim(log, conversationId, on.runId);
    expect([goneOn.text, idsOf(goneOn.messages)]).toEqual(['text 3 "ế"', idsOf(turns.slice(0, 3))]);
    expect((await log.endRun(endOf({ conversationId, runId: on.runId, epoch: 1 }, 'text 3 "ế"'))).outcome).toBe('ended');
  });

  test('B17 a thread that does not fit what is asked is none', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    const [parentId, continues] = [turns[2]!.messageId, turns[3]!.messageId];
    const spoil = (change: Partial<Message>, at: number) =>
      turns.slice(0, 4).map((turn, index) => (index === at ? { ...turn, ...change } : turn));
    for (const thread of [[], turns.slice(4, 8), spoil({ role: 'assistant' }, 2), spoil({ status: 'deleted' }, 2)])
      expect(await log.beginRun(regenerate(conversationId, parentId, { thread }))).toEqual({ outcome: 'not-found' });
    for (const thread of [
      turns.slice(0, 3),
      spoil({ text: '' }, 3),
      spoil({ parentId: turns[0]!.messageId }, 3),
      spoil({ role: 'user' }, 3),
    ])
      expect(await log.beginRun(regenerate(conversationId, parentId, { thread, continues }))).toEqual({ outcome: 'not-found' });
    expect(await log.beginRun(promptOf({ conversationId, parentId: continues, thread: turns.slice(0, 3) }))).toEqual({
      outcome: 'not-found',
    });
  });

  test('B17 what of such a thread its model does not get is said', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    await log.beginRun(promptOf({ conversationId, parentId: turns[5]!.messageId, thread: turns.slice(0, 6), room: 8 }));
    const begun = (await eventsOf(log, conversationId)).findLast(({ type }) => type === 'run-started');
    expect(begun).toMatchObject({ trimmed: { messages: 4 } });
  });

  test('L-6 B17 its owner writes a lost run again with the thread above it, and ended it leaves nothing of it', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    const edit = promptOf({ conversationId, parentId: turns[3]!.messageId, thread: turns.slice(0, 4) });
    await log.beginRun(edit);
    const { messages, epoch } = await claim(log, conversationId, edit.runId);
    const run = { conversationId, runId: edit.runId, epoch, messageId: edit.message.messageId };
    await append(log, run, 0, 'ab');
    // One event is lost, so the run is written again over what is here.
    expect((await log.restoreRun(restoreOf(run, 'abc', { messages }))).outcome).toBe('restored');
    await log.releaseRun({ conversationId, runId: edit.runId, epoch });
    expect(idsOf((await claim(log, conversationId, edit.runId, 'pod-b')).messages)).toEqual(idsOf(messages));
    await log.endRun(endOf({ ...run, epoch: 2 }, 'abc'));
    const again = regenerate(conversationId, edit.message.messageId, { thread: [] });
    await log.beginRun(again);
    expect(idsOf((await claim(log, conversationId, again.runId)).messages)).toEqual([edit.message.messageId]);
  });

  test('B17 an old message is deleted with its words in the title and in the thread of a running answer', async () => {
    const { log } = current();
    const { conversationId, turns } = await long(log);
    const edit = promptOf({ conversationId, parentId: turns[3]!.messageId, thread: turns.slice(0, 4) });
    await log.beginRun(edit);
    const { messageId, text } = turns[0]!;
    const command = { conversationId, userId: USER, messageId };
    expect(await log.deleteMessage(command)).toEqual({ outcome: 'not-found' });
    expect(await log.deleteMessage({ ...command, stored: 'ask' })).toEqual({ outcome: 'not-found', older: true });
    expect((await log.deleteMessage({ ...command, stored: { text } })).outcome).toBe('done');
    expect((await snapshotOf(log, conversationId)).title).toBe('');
    const { messages } = await claim(log, conversationId, edit.runId);
    expect(messages[0]).toMatchObject({ messageId, text: '', status: 'deleted' });
    expect(messages[1]).toMatchObject({ text: turns[1]!.text });
    // One that is here needs no database, and one of somebody else is theirs.
    expect((await log.deleteMessage({ ...command, messageId: turns[50]!.messageId, stored: 'ask' })).outcome).toBe('done');
    expect(await log.deleteMessage({ ...command, userId: 'user-2', stored: { text } })).toEqual({ outcome: 'forbidden' });
  });

  test('B17 what was said here and is no longer kept is deleted without the database; asked, its words leave the title', async () => {
    const { log } = current();
    const run = promptOf({ message: { messageId: newId(), text: 'a secret' }, title: 'a secret' });
    const { conversationId } = run;
    await log.beginRun(run);
    await claim(log, conversationId, run.runId);
    await log.endRun(endOf({ ...run, epoch: 1 }, ''));
    // As many as a conversation keeps come under it: the store has heard of its messages, and has them no more.
    const seed = threadOf(210).slice(0, 200);
    for (const { messageId, text } of seed.slice(0, 100)) {
      const next = promptOf({ conversationId, message: { messageId, text } });
      await log.beginRun(next);
      await claim(log, conversationId, next.runId);
      await log.endRun(endOf({ conversationId, runId: next.runId, epoch: 1 }, ''));
    }
    const command = { conversationId, userId: USER, messageId: run.message.messageId };
    expect(await log.deleteMessage({ ...command, stored: 'ask' })).toEqual({ outcome: 'not-found', older: true });
    expect((await log.deleteMessage(command)).outcome).toBe('done');
    expect((await snapshotOf(log, conversationId)).title).toBe('a secret');
    expect((await log.deleteMessage({ ...command, stored: { text: 'a secret' } })).outcome).toBe('done');
    expect((await snapshotOf(log, conversationId)).title).toBe('');
    expect(await log.beginRun(promptOf({ conversationId, thread: 'ask', parentId: run.runId }))).toEqual({
      outcome: 'older',
      messageId: run.runId,
    });
    // Known by its id alone it may be gone on from where the database cannot be asked, without what was above.
    expect((await log.beginRun(promptOf({ conversationId, parentId: run.runId }))).outcome).toBe('started');
  });
};
