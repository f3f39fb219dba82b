import { runKey } from '../../src/run-ref.ts';
import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import type { RestoreEnd } from '../../src/run-log/run-log.ts';
import {
  append,
  claimed,
  collect,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  restoreOf,
  SHORT_LEASE_MS,
  snapshotOf,
  startRun,
  wholeRun,
  USER,
  type Current,
  type Started,
} from './world.ts';

const lostRun = (): Started => ({ conversationId: newId(), runId: newId(), messageId: newId(), epoch: 3 });
/** Later than whatever conversation the test has made. */
const LATER = 4_000_000_000_000;

/** What whoever saw the end holds of it. */
const restoreEndOf = (run: Started, text: string, change: Partial<RestoreEnd> = {}): RestoreEnd => {
  const { owner: _owner, leaseMs: _leaseMs, ...held } = restoreOf(run, text);
  const ended = { ...held, ...endOf(run, text), epoch: run.epoch };
  return {
    ...ended,
    usage: { promptTokens: 1, completionTokens: 2 },
    finish: 'length',
    run: { ...held.run, startedAt: LATER },
    ...change,
  };
};

export const restoringEndsContract = (current: Current): void => {
  test('B4 a store that has gone back to a running answer gets the end as it was, under a new logId', async () => {
    const { log, other } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'half');
    const before = await snapshotOf(log, run.conversationId);
    const followed = await collect(other, run.conversationId);
    const end = restoreEndOf(run, 'half and "whole" ế');
    expect(await log.restoreEnd(end)).toEqual({ outcome: 'restored', logId: end.newLogId });
    const after = await snapshotOf(log, run.conversationId);
    expect(after).toMatchObject({ logId: end.newLogId, offset: 1, run: null, title: before.title });
    expect(after.messages).toMatchObject([
      { messageId: run.messageId, text: 'count 3' },
      {
        messageId: run.runId,
        parentId: run.messageId,
        role: 'assistant',
        text: end.text,
        status: 'complete',
        finish: 'length',
        model: 'count',
      },
    ]);
    await waitFor(() => followed.entries.length === 1);
    const { bytes, sha256, usage } = end;
    expect(JSON.parse(followed.entries[0]!.json)).toMatchObject({
      type: 'run-ended',
      offset: 1,
      logId: end.newLogId,
      bytes,
      sha256,
      usage,
      finish: 'length',
    });
    expect(await log.readState({ conversationId: run.conversationId, cursor: before })).toMatchObject({ kind: 'snapshot' });
    // Its answer was lost, or another witness comes too.
    expect(await log.restoreEnd(end)).toEqual({ outcome: 'stands' });
    expect(await snapshotOf(log, run.conversationId)).toEqual(after);
    await followed.close();
  });

  test('B4 who claimed the older copy meanwhile is closed, and nobody claims it again', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    const take = { ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS };
    await waitFor(async () => (await log.claimRun(take)).outcome === 'claimed');
    const heir = { ...run, epoch: 2 };
    await append(log, heir, 0, 'another text');
    expect(await log.restoreEnd(restoreEndOf(run, 'as shown'))).toMatchObject({ outcome: 'restored' });
    expect(await append(log, heir, 12, '!')).toEqual({ outcome: 'closed' });
    expect(await log.endRun(endOf(heir, 'another text'))).toEqual({ outcome: 'closed' });
    expect(await log.renewLeases('pod-b.1', LEASE_MS, [heir])).toEqual(new Map([[runKey(run), 'closed']]));
    expect(await log.restoreRun(restoreOf(heir, 'another text', { owner: 'pod-b.1' }))).toEqual({ outcome: 'closed' });
    expect(await log.claimRun(take)).toEqual({ outcome: 'gone' });
    expect((await log.findFreeRuns(1_000_000)).some(({ runId }) => runId === run.runId)).toBe(false);
    expect(await log.cancelRun({ ...run, userId: USER })).toEqual({ outcome: 'already-ended' });
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject({ text: 'as shown' });
  });

  test('B4 a run that was never claimed in the older copy is not queued any more', async () => {
    const { log } = current();
    const prompt = promptOf();
    await log.beginRun(prompt);
    const { conversationId, runId } = prompt;
    const run = { conversationId, runId, messageId: prompt.message.messageId, epoch: 1 };
    expect(await log.restoreEnd(restoreEndOf(run, 'x', { reason: 'failed' }))).toMatchObject({ outcome: 'restored' });
    expect(await log.claimRun({ ...run, owner: OWNER, leaseMs: LEASE_MS, models: MODELS })).toEqual({ outcome: 'gone' });
    expect((await log.findFreeRuns(1_000_000)).some((free) => free.runId === runId)).toBe(false);
    expect((await snapshotOf(log, conversationId)).messages.at(-1)).toMatchObject({ status: 'failed', text: 'x' });
  });

  test('B4 a turn that the older copy does not have at all comes back with its question, once', async () => {
    const { log } = current();
    const first = await wholeRun(log, {}, 'first');
    const lost = { ...lostRun(), conversationId: first.conversationId };
    const end = restoreEndOf(lost, 'second');
    expect(await log.restoreEnd(end)).toMatchObject({ outcome: 'restored' });
    const state = await snapshotOf(log, first.conversationId);
    expect(state.messages.map(({ messageId }) => messageId)).toEqual([first.messageId, first.runId, lost.messageId, lost.runId]);
    expect((await eventsOf(log, first.conversationId)).map(({ type }) => type)).toEqual(['message', 'run-ended']);
    const again = { ...promptOf(first), message: { messageId: lost.messageId, text: 'count 3' } };
    expect(await log.beginRun(again)).toMatchObject({ outcome: 'duplicate', runId: lost.runId });
    expect(await log.beginRun({ ...promptOf(first), runId: lost.runId })).toMatchObject({
      outcome: 'duplicate',
      runId: lost.runId,
      offset: 2,
    });
    // The next question hangs below it.
    await log.beginRun(promptOf({ conversationId: first.conversationId }));
    expect((await snapshotOf(log, first.conversationId)).messages.at(-1)).toMatchObject({ role: 'user', parentId: lost.runId });
  });

  test('B4 a conversation that the store lost comes back with what the witness holds', async () => {
    const { log } = current();
    const lost = lostRun();
    const end = restoreEndOf(lost, 'told', { reason: 'cancelled' });
    expect(await log.restoreEnd(end)).toMatchObject({ outcome: 'restored' });
    const state = await snapshotOf(log, lost.conversationId);
    expect(state).toMatchObject({ logId: end.newLogId, title: 'A title', hasMore: true, run: null });
    expect(state.messages).toMatchObject([{ messageId: lost.messageId }, { messageId: lost.runId, status: 'cancelled', text: 'told' }]);
    expect(await log.readState({ conversationId: lost.conversationId, userId: 'bob' })).toEqual({ kind: 'forbidden' });
  });

  test('B4 an end that stands is not written over', async () => {
    const { log } = current();
    const run = await wholeRun(log, {}, 'abc');
    const before = await snapshotOf(log, run.conversationId);
    expect(await log.restoreEnd(restoreEndOf(run, 'xyz'))).toEqual({ outcome: 'stands' });
    expect(await snapshotOf(log, run.conversationId)).toEqual(before);
  });

  test.each(['an end', 'a run'])(
    'P-1 %s that a store had lost brings the title of its beginning; the database’s is newer, and a person’s the newest',
    async (what) => {
      const { log } = current();
      for (const renamed of [false, true]) {
        const run = lostRun();
        const { conversationId } = run;
        if (what === 'an end') await log.restoreEnd(restoreEndOf(run, 'x', { title: 'as it began' }));
        else await log.restoreRun({ ...restoreOf(run, 'x'), title: 'as it began' });
        expect((await snapshotOf(log, conversationId)).title).toBe('as it began');
        if (renamed) await log.setTitle({ conversationId, userId: USER, title: 'renamed now' });
        const { messages } = await snapshotOf(log, conversationId);
        const stored = { conversationId, userId: USER, title: 'renamed before', hasMore: false, messages };
        expect(await log.rehydrate(stored)).toMatchObject({ outcome: renamed ? 'exists' : 'rehydrated' });
        expect((await snapshotOf(log, conversationId)).title).toBe(renamed ? 'renamed now' : 'renamed before');
        expect(await log.rehydrate({ ...stored, title: 'later' })).toEqual({ outcome: 'exists' });
      }
    },
  );

  test('B4 what was deleted stays deleted, and nobody else’s conversation is touched', async () => {
    const { log } = current();
    const run = await wholeRun(log, {}, 'abc');
    const { conversationId } = run;
    expect(await log.restoreEnd(restoreEndOf(run, 'abc', { userId: 'bob' }))).toEqual({ outcome: 'closed' });
    await log.deleteMessage({ conversationId, userId: USER, messageId: run.runId });
    expect(await log.restoreEnd(restoreEndOf(run, 'abc'))).toEqual({ outcome: 'stands' });
    expect((await snapshotOf(log, conversationId)).messages.at(-1)).toMatchObject({ status: 'deleted', text: '' });
    await log.deleteConversation({ conversationId, userId: USER });
    expect(await log.restoreEnd(restoreEndOf({ ...run, runId: newId() }, 'abc'))).toEqual({ outcome: 'closed' });
    expect(await log.readState({ conversationId })).toEqual({ kind: 'none' });
    // Made again under the same id: what was in the deleted one does not come into it.
    await wholeRun(log, { conversationId }, 'new');
    const old = restoreEndOf(lostRun(), 'old', { conversationId });
    expect(await log.restoreEnd({ ...old, run: { ...old.run, startedAt: 1 } })).toEqual({ outcome: 'closed' });
    expect((await snapshotOf(log, conversationId)).messages).toHaveLength(2);
  });

  test('B4 the run of a deleted conversation is not restored, and a running answer is waited for', async () => {
    const { log } = current();
    const run = await startRun(log);
    const other = { ...lostRun(), conversationId: run.conversationId };
    expect(await log.restoreEnd(restoreEndOf(other, 'x'))).toEqual({ outcome: 'busy' });
    await log.deleteConversation({ conversationId: run.conversationId, userId: USER });
    expect(await log.restoreEnd(restoreEndOf(run, 'x'))).toEqual({ outcome: 'closed' });
  });

  test('B4 a claim says when the run may be an older copy: after a silent owner, not after a release or a fresh prompt', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    const take = { ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS };
    let claim = await log.claimRun(take);
    await waitFor(async () => claim.outcome === 'claimed' || (claim = await log.claimRun(take)).outcome === 'claimed');
    expect(claimed(claim).doubt).toBe('stale');
    await log.releaseRun({ ...run, epoch: 2 });
    expect(claimed(await log.claimRun(take)).doubt).toBeUndefined();
    const fresh = promptOf();
    await log.beginRun(fresh);
    expect(claimed(await log.claimRun({ ...take, ...fresh })).doubt).toBeUndefined();
  });

  test('an end says which reason stands', async () => {
    const { log } = current();
    const whole = await startRun(log);
    expect(await log.endRun(endOf(whole, ''))).toMatchObject({ outcome: 'ended', reason: 'complete' });
    const wanted = await startRun(log);
    await log.cancelRun({ ...wanted, userId: USER });
    expect(await log.endRun(endOf(wanted, ''))).toMatchObject({ outcome: 'ended', reason: 'cancelled' });
  });
};
