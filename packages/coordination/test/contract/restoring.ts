import { newId, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import {
  append,
  claimed,
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

const call: Part = {
  ...{ partId: 'p0', index: 0, at: 4, kind: 'tool', state: 'waiting', name: 'act', server: 'demo', callId: 'c', step: 0 },
  ...{ input: '{"n":"ế"}', approval: { policy: 'ask' as const } },
};
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

  test('W-17 who has claimed an older copy writes what it waited for, under an epoch above all others, and parks it', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: 0 });
    const { conversationId, runId } = run;
    await append(log, run, 0, 'ab');
    await log.putPart({ ...run, part: { ...call, state: 'input', input: '' }, from: null });
    const { epoch } = claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    const raised = { ...run, epoch: epoch + 17 };
    const restore = { ...restoreOf(raised, 'abcd', { owner: 'pod-b.1' }), claimed: epoch, parts: [call], step: 4 };
    expect(await log.restoreRun(restore)).toEqual({ outcome: 'restored', logId: restore.newLogId });
    // Its answer was lost: it is asked again.
    expect(await log.restoreRun(restore)).toEqual({ outcome: 'restored', logId: restore.newLogId });
    for (const earlier of [run, { ...run, epoch }]) expect(await append(log, earlier, 2, 'x')).toEqual({ outcome: 'fenced' });
    expect(await log.parkRun({ ...raised, partIds: ['p0'], bytes: 4, parts: [call] })).toMatchObject({ outcome: 'parked' });
    const state = await snapshotOf(log, conversationId);
    expect(state.run).toMatchObject({ runId, text: 'abcd', waiting: ['p0'], parts: [call] });
    // Once more is too late: nobody has the claim any longer.
    expect(await log.restoreRun({ ...restore, newLogId: newId() })).toEqual({ outcome: 'fenced' });
    const approved: Part = { ...call, state: 'approved' };
    const decision = { conversationId, runId, userId: USER, decision: 'approve' as const, expected: call, part: approved };
    expect(await log.decidePart(decision)).toMatchObject({ outcome: 'decided' });
    const next = claimed(await log.claimRun({ ...run, owner: 'pod-c.1', leaseMs: LEASE_MS, models: MODELS }));
    expect(next).toMatchObject({ text: 'abcd', parts: [approved], epoch: epoch + 18 });
    expect(next.doubt).toBeUndefined();
  });

  test.each(['another', 'the same pod'])('P-3 a claim that %s has taken over writes nothing, however high its epoch', async (who) => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: 0 });
    const first = claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: 0, models: MODELS }));
    const owner = who === 'another' ? 'pod-c.1' : 'pod-b.1';
    const second = claimed(await log.claimRun({ ...run, owner, leaseMs: LEASE_MS, models: MODELS }));
    const late = { ...restoreOf({ ...run, epoch: first.epoch + 17 }, 'late', { owner: 'pod-b.1' }), claimed: first.epoch };
    expect(await log.restoreRun(late)).toEqual({ outcome: 'fenced' });
    expect(await append(log, { ...run, epoch: second.epoch }, 0, 'on')).toMatchObject({ outcome: 'appended' });
  });

  test('L-6 a claim that went with its store writes nothing into the next, which the owner alone may', async () => {
    const { log } = current();
    const lost = lostRun();
    expect(await log.restoreRun({ ...restoreOf({ ...lost, epoch: 20 }, 'abc'), claimed: 3 })).toEqual({ outcome: 'fenced' });
    expect(await log.restoreRun(restoreOf(lost, 'abc'))).toMatchObject({ outcome: 'restored' });
    const beside = await startRun(log);
    const other = { ...lostRun(), conversationId: beside.conversationId };
    await log.endRun(endOf(beside, ''));
    expect(await log.restoreRun({ ...restoreOf({ ...other, epoch: 20 }, 'abc'), claimed: 3 })).toEqual({ outcome: 'fenced' });
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

  test('a restore under the name that the log has is a repeat only where it was carried out: with its epoch', async () => {
    const { log } = current();
    const { runId, ...next } = promptOf();
    await log.beginRun({ ...next, runId });
    const { conversationId } = next;
    const { logId } = await snapshotOf(log, conversationId);
    const command = restoreOf({ conversationId, runId, epoch: 2, messageId: next.message.messageId }, '', { newLogId: logId });
    for (let times = 0; times < 2; times++) {
      expect(await log.restoreRun(command)).toEqual({ outcome: 'restored', logId });
      expect((await snapshotOf(log, conversationId)).run).toMatchObject({ runId, epoch: 2 });
    }
  });
};
