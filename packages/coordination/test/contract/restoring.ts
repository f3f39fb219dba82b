import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import {
  append,
  collect,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
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

export const restoringContract = (current: Current): void => {
  test('L-6 a lost run is written again under a new logId and goes on', async () => {
    const { log, other } = current();
    const run = lostRun();
    const { conversationId, runId } = run;
    expect(await append(log, run, 5, 'f')).toEqual({ outcome: 'gone' });
    const followed = await collect(other, conversationId);
    const restore = restoreOf(run, 'ế de ');
    expect(await log.restoreRun(restore)).toEqual({ outcome: 'restored', logId: restore.newLogId });
    // Its answer was lost: the owner asks again.
    expect(await log.restoreRun(restore)).toEqual({ outcome: 'restored', logId: restore.newLogId });
    const bytes = Buffer.byteLength('ế de ');
    expect(await append(log, run, bytes, 'f')).toEqual({ outcome: 'appended', offset: 2 });
    await waitFor(() => followed.entries.length === 2);
    expect(JSON.parse(followed.entries[0]!.json)).toMatchObject({
      type: 'run-moved',
      offset: 1,
      logId: restore.newLogId,
      runId,
      epoch: 3,
      bytes,
      restarted: false,
    });
    expect(await snapshotOf(log, conversationId)).toMatchObject({
      logId: restore.newLogId,
      title: 'A title',
      hasMore: true,
      run: { runId, parentId: run.messageId, text: 'ế de f', epoch: 3, startedAt: 1_700_000_000_000 },
      messages: [{ messageId: run.messageId, text: 'count 3' }],
    });
    expect(await log.endRun(endOf(run, 'ế de f'))).toMatchObject({ outcome: 'ended', offset: 3 });
    expect((await log.beginRun({ ...promptOf({ conversationId }), message: { messageId: run.messageId, text: 'count 3' } })).outcome).toBe(
      'duplicate',
    );
    await followed.close();
  });

  test('L-1 a store that is shorter than its owner believes is a gap, and is written again', async () => {
    const { log } = current();
    const run = await startRun(log);
    const before = await snapshotOf(log, run.conversationId);
    await append(log, run, 0, 'ab');
    expect(await append(log, run, 4, 'ef')).toEqual({ outcome: 'gap', bytes: 2 });
    const restore = restoreOf(run, 'abcd');
    expect(await log.restoreRun(restore)).toEqual({ outcome: 'restored', logId: restore.newLogId });
    expect(await append(log, run, 4, 'ef')).toEqual({ outcome: 'appended', offset: 2 });
    const after = await snapshotOf(log, run.conversationId);
    expect(after).toMatchObject({ logId: restore.newLogId, offset: 2, messages: before.messages, run: { text: 'abcdef', epoch: 1 } });
    expect(await log.readState({ conversationId: run.conversationId, cursor: { logId: before.logId, offset: 1 } })).toMatchObject({
      kind: 'snapshot',
    });
  });

  test('L-6 a store that fell back to an earlier owner is gone to the later one, which writes again', async () => {
    const { log } = current();
    const run = await startRun(log);
    const later = { ...run, epoch: 2 };
    expect(await append(log, later, 0, 'ab')).toEqual({ outcome: 'gone' });
    expect(await log.restoreRun(restoreOf(later, 'ab', { owner: 'pod-b.1' }))).toMatchObject({ outcome: 'restored' });
    expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'fenced' });
    expect(await append(log, later, 2, 'c')).toMatchObject({ outcome: 'appended' });
  });

  test('P-3 an owner that was taken over cannot restore', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    await waitFor(async () => (await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).outcome === 'claimed');
    expect(await log.restoreRun(restoreOf(run, 'ab'))).toEqual({ outcome: 'fenced' });
    expect(await log.restoreRun(restoreOf({ ...run, epoch: 2 }, 'ab', { owner: 'pod-c.1' }))).toEqual({ outcome: 'fenced' });
  });

  test('P-2 a run that has ended is not restored', async () => {
    const { log } = current();
    const run = await wholeRun(log, {}, 'abc');
    expect(await log.restoreRun(restoreOf(run, 'abc'))).toEqual({ outcome: 'closed' });
  });

  test('a conversation that was made again waits for its run, then gets what is missing', async () => {
    const { log } = current();
    const lost = lostRun();
    const { conversationId } = lost;
    const running = await startRun(log, { conversationId });
    expect(await log.restoreRun(restoreOf(lost, 'old text'))).toEqual({ outcome: 'busy' });
    await append(log, running, 0, 'new');
    await log.endRun(endOf(running, 'new'));
    const { logId, offset } = await snapshotOf(log, conversationId);
    expect(await log.restoreRun(restoreOf(lost, 'old text'))).toEqual({ outcome: 'restored', logId });
    const added = (await eventsOf(log, conversationId)).slice(offset);
    expect(added).toMatchObject([
      { type: 'message', message: { messageId: lost.messageId } },
      { type: 'run-started', runId: lost.runId, epoch: 3 },
      { type: 'chunk', runId: lost.runId, at: 0, text: 'old text' },
    ]);
    expect(await append(log, lost, 8, '!')).toMatchObject({ outcome: 'appended' });
    expect(await log.endRun(endOf(lost, 'old text!'))).toMatchObject({ outcome: 'ended' });
  });

  test('a conversation that somebody else made meanwhile is closed', async () => {
    const { log } = current();
    const lost = lostRun();
    await startRun(log, { conversationId: lost.conversationId, userId: 'somebody-else' });
    expect(await log.restoreRun(restoreOf(lost, 'x'))).toEqual({ outcome: 'closed' });
  });

  test('a cancel survives the restore of its run', async () => {
    const { log } = current();
    const run = await startRun(log);
    await log.cancelRun({ ...run, userId: USER });
    await log.restoreRun(restoreOf(run, 'abcd'));
    expect(await append(log, run, 4, 'e')).toEqual({ outcome: 'cancelled' });
  });
};
