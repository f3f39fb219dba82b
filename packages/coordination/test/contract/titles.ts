import { newId, type ListEvent } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import { titleOf } from '../../src/title.ts';
import type { ProposeTitle } from '../../src/run-log/run-log.ts';
import {
  append,
  claimed,
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
  type Started,
} from './world.ts';

const FIRST = 'A title';
const proposalOf = ({ conversationId, runId, messageId }: Started, change: Partial<ProposeTitle> = {}): ProposeTitle => ({
  ...{ conversationId, runId, userId: USER, promptId: messageId, expected: FIRST, title: 'Sông "Hồng" 😀', model: 'small' },
  ...change,
});

/** A title that a model made: compare and set. */
export const titlesContract = (current: Current, { changedStore }: { changedStore: boolean }): void => {
  test('it comes in the place of the first words: an event, a line in the list, a hint to the owner’s pages', async () => {
    const { log, other } = current();
    const userId = newId();
    const run = await wholeRun(log, { userId, title: FIRST });
    const heard: ListEvent[] = [];
    const following = await other.followPerson(userId, {
      message(bytes) {
        const told = JSON.parse(bytes.toString()) as ListEvent;
        // That the answer has ended may be heard late.
        if (told.change !== 'answered') heard.push(told);
      },
      resubscribed: () => {},
    });
    const { offset } = await snapshotOf(log, run.conversationId);
    const proposal = proposalOf(run, { userId });
    expect(await log.proposeTitle(proposal)).toEqual({ outcome: 'named', offset: offset + 1 });
    expect(await snapshotOf(log, run.conversationId)).toMatchObject({ title: proposal.title, offset: offset + 1 });
    await waitFor(() => heard.length === 1);
    expect(heard).toEqual([{ type: 'list', change: 'changed', name: run.conversationId, title: proposal.title }]);
    expect((await log.listConversations({ userId, limit: 5 })).conversations).toMatchObject([{ title: proposal.title }]);
    await following.close();
  });

  test('the first of two stands, and nothing is told of the other', async () => {
    const { log, other } = current();
    const run = await wholeRun(log, { title: FIRST });
    const titles = ['one', 'two', 'three', 'four'];
    const results = await Promise.all(titles.map((title, at) => (at % 2 ? log : other).proposeTitle(proposalOf(run, { title }))));
    expect(results.map(({ outcome }) => outcome).toSorted()).toEqual(['kept', 'kept', 'kept', 'named']);
    const { title, offset } = await snapshotOf(log, run.conversationId);
    expect(title).toBe(titles[results.findIndex(({ outcome }) => outcome === 'named')]);
    expect(await log.proposeTitle(proposalOf(run, { expected: title, title: 'again' }))).toEqual({ outcome: 'kept' });
    expect((await snapshotOf(log, run.conversationId)).offset).toBe(offset);
  });

  test('what a person has called it stands, also where it is the very same words; what a person calls it afterwards does, too', async () => {
    const { log } = current();
    for (const title of ['Mine', FIRST]) {
      const run = await wholeRun(log, { title: FIRST });
      await log.setTitle({ conversationId: run.conversationId, userId: USER, title });
      expect(await log.proposeTitle(proposalOf(run))).toEqual({ outcome: 'kept' });
      expect((await snapshotOf(log, run.conversationId)).title).toBe(title);
    }
    const run = await wholeRun(log, { title: FIRST });
    await log.proposeTitle(proposalOf(run));
    await log.setTitle({ conversationId: run.conversationId, userId: USER, title: 'Mine' });
    expect((await snapshotOf(log, run.conversationId)).title).toBe('Mine');
    const raced = await wholeRun(log, { title: FIRST });
    const rename = { conversationId: raced.conversationId, userId: USER, title: 'Mine' };
    await Promise.all([log.proposeTitle(proposalOf(raced)), log.setTitle(rename), log.proposeTitle(proposalOf(raced))]);
    expect((await snapshotOf(log, raced.conversationId)).title).toBe('Mine');
  });

  test('it needs the conversation, its owner and both messages: what was deleted is called nothing, nor is what was made anew under its id', async () => {
    const { log } = current();
    expect(await log.proposeTitle(proposalOf({ conversationId: newId(), runId: 'r', messageId: 'm', epoch: 1 }))).toEqual({
      outcome: 'gone',
    });
    const run = await wholeRun(log, { title: FIRST });
    expect(await log.proposeTitle(proposalOf(run, { userId: 'bob' }))).toEqual({ outcome: 'gone' });
    for (const which of ['messageId', 'runId'] as const) {
      const one = await wholeRun(log, { title: FIRST });
      await log.deleteMessage({ conversationId: one.conversationId, userId: USER, messageId: one[which] });
      expect(await log.proposeTitle(proposalOf(one))).toEqual({ outcome: 'gone' });
      expect((await snapshotOf(log, one.conversationId)).title).toBe(FIRST);
    }
    const { conversationId } = run;
    await log.deleteConversation({ conversationId, userId: USER });
    expect(await log.proposeTitle(proposalOf(run))).toEqual({ outcome: 'gone' });
    await wholeRun(log, { conversationId, title: FIRST });
    expect(await log.proposeTitle(proposalOf(run))).toEqual({ outcome: 'gone' });
    // An answer that says so in its own words is not deleted.
    const quoting = await wholeRun(log, { title: FIRST }, '{"status":"deleted"}');
    expect(await log.proposeTitle(proposalOf(quoting))).toMatchObject({ outcome: 'named' });
  });

  test('a running answer has no title yet', async () => {
    const { log } = current();
    const run = await startRun(log, { title: FIRST });
    await append(log, run, 0, 'ab');
    expect(await log.proposeTitle(proposalOf(run))).toEqual({ outcome: 'gone' });
    await log.endRun(endOf(run, 'ab'));
    expect(await log.proposeTitle(proposalOf(run))).toMatchObject({ outcome: 'named' });
  });

  test.each(['messageId', 'runId'] as const)(
    'with the message that it was made of (%s) it goes, too; with another it stays',
    async (which) => {
      const { log } = current();
      const run = await wholeRun(log, { title: FIRST });
      const { conversationId } = run;
      await log.proposeTitle(proposalOf(run));
      const prompt = promptOf({ conversationId });
      await log.beginRun(prompt);
      const { epoch } = claimed(
        await log.claimRun({ conversationId, runId: prompt.runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS }),
      );
      await log.endRun(endOf({ conversationId, runId: prompt.runId, epoch }, ''));
      await log.deleteMessage({ conversationId, userId: USER, messageId: prompt.message.messageId });
      expect((await snapshotOf(log, conversationId)).title).toBe(proposalOf(run).title);
      await log.deleteMessage({ conversationId, userId: USER, messageId: run[which] });
      expect((await snapshotOf(log, conversationId)).title).toBe('');
    },
  );

  test.each(['a\u00A0b c', '今日\u3000は', '\u2003\u2003a\tb', 'a\u2009 b\u202F\u205F\u1680\uFEFFc', 'x\u2028y z'])(
    'the first words go with their message whatever white space they have: %j',
    async (text) => {
      const { log } = current();
      const run = await wholeRun(log, { title: titleOf(text), message: { messageId: newId(), text } });
      await log.deleteMessage({ conversationId: run.conversationId, userId: USER, messageId: run.messageId });
      expect((await snapshotOf(log, run.conversationId)).title).toBe('');
    },
  );

  test('a title that a person gave afterwards stays when those messages are deleted', async () => {
    const { log } = current();
    const run = await wholeRun(log, { title: FIRST });
    await log.proposeTitle(proposalOf(run));
    await log.setTitle({ conversationId: run.conversationId, userId: USER, title: 'Mine' });
    await log.deleteMessage({ conversationId: run.conversationId, userId: USER, messageId: run.messageId });
    expect((await snapshotOf(log, run.conversationId)).title).toBe('Mine');
  });

  test('where the database may know more nothing is changed', async () => {
    const { log } = current();
    const unproven = await wholeRun(log, { title: FIRST, making: 'unproven' });
    const { offset } = await snapshotOf(log, unproven.conversationId);
    expect(await log.proposeTitle(proposalOf(unproven))).toEqual({ outcome: 'doubtful' });
    expect(await snapshotOf(log, unproven.conversationId)).toMatchObject({ title: FIRST, offset });
  });

  test.runIf(changedStore)('B5 a store that changed meanwhile may have lost a rename: nothing is changed', async () => {
    const { log, changeStore } = current();
    const [before, read] = [await wholeRun(log, { title: FIRST }), await wholeRun(log, { title: FIRST })];
    await changeStore();
    // Whoever reads it has its log renamed, and it is doubtful still.
    await snapshotOf(log, read.conversationId);
    for (const run of [before, read]) expect(await log.proposeTitle(proposalOf(run))).toEqual({ outcome: 'doubtful' });
    const after = await wholeRun(log, { title: FIRST });
    expect(await log.proposeTitle(proposalOf(after))).toMatchObject({ outcome: 'named' });
  });
};
