import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import type { WorkHint } from '../../src/run-log/run-log.ts';
import { append, collect, endOf, promptOf, restoreOf, snapshotOf, startRun, USER, wholeRun, type Current } from './world.ts';

export const editingContract = (current: Current): void => {
  test('a deleted message loses its text everywhere and keeps its place', async () => {
    const { log } = current();
    const { conversationId, runId, messageId } = await wholeRun(log, {}, 'a secret');
    const { logId, offset } = await snapshotOf(log, conversationId);
    expect(await log.deleteMessage({ conversationId, userId: USER, messageId: runId })).toEqual({ outcome: 'done', offset: offset + 1 });
    expect(await log.deleteMessage({ conversationId, userId: USER, messageId: runId })).toEqual({ outcome: 'done', offset: offset + 1 });
    const { messages } = await snapshotOf(log, conversationId);
    expect(messages).toMatchObject([
      { messageId, text: 'count 3' },
      { messageId: runId, parentId: messageId, text: '', status: 'deleted' },
    ]);
    // Nobody can catch up over the text that is gone; who had it all gets the event.
    expect(await log.readState({ conversationId, cursor: { logId, offset: 0 } })).toMatchObject({ kind: 'snapshot' });
    const tail = await log.readState({ conversationId, cursor: { logId, offset } });
    expect(tail.kind === 'tail' && JSON.parse(tail.entries[0]!.json)).toMatchObject({ type: 'message-deleted', messageId: runId });
    expect(await log.beginRun({ ...promptOf({ conversationId }), parentId: messageId })).toMatchObject({ outcome: 'started' });
  });

  test('a running answer is not deleted, nor what is not there; a deleted question is not answered again', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId, runId, messageId } = run;
    expect(await log.deleteMessage({ conversationId, userId: USER, messageId: runId })).toEqual({ outcome: 'busy', runId });
    expect(await log.deleteMessage({ conversationId, userId: USER, messageId: newId() })).toEqual({ outcome: 'not-found' });
    expect(await log.deleteMessage({ conversationId: newId(), userId: USER, messageId })).toEqual({ outcome: 'not-found' });
    expect(await log.deleteMessage({ conversationId, userId: USER, messageId })).toMatchObject({ outcome: 'done' });
    await append(log, run, 0, 'x');
    await log.endRun(endOf(run, 'x'));
    expect(await log.beginRun({ ...promptOf({ conversationId }), message: null, parentId: messageId })).toEqual({ outcome: 'not-found' });
  });

  test('a deleted conversation closes its running answer, which its owner cannot bring back', async () => {
    const { log, other } = current();
    const run = await startRun(log);
    const { conversationId } = run;
    await append(log, run, 0, 'ab');
    const followed = await collect(other, conversationId);
    expect(await log.deleteConversation({ conversationId, userId: USER })).toMatchObject({ outcome: 'done' });
    expect(await append(log, run, 2, 'c')).toEqual({ outcome: 'closed' });
    expect(await log.restoreRun(restoreOf(run, 'ab'))).toEqual({ outcome: 'closed' });
    expect(await log.endRun(endOf(run, 'ab'))).toEqual({ outcome: 'closed' });
    expect(await log.readState({ conversationId })).toEqual({ kind: 'none' });
    expect(await log.readHistory({ conversationId, userId: USER, limit: 5 })).toEqual({ kind: 'none', deleted: true });
    expect(await log.readHistory({ conversationId, userId: `not-${USER}`, limit: 5 })).toEqual({ kind: 'none' });
    expect((await log.findFreeRuns(10_000)).some((free) => free.runId === run.runId)).toBe(false);
    await waitFor(() => followed.hints.length === 1);
    expect(JSON.parse(followed.hints[0]!)).toEqual({ type: 'reset', conversationId });
    await followed.close();
    expect(await log.deleteConversation({ conversationId, userId: USER })).toEqual({ outcome: 'not-found' });
    expect(await log.beginRun(promptOf({ conversationId }))).toMatchObject({ outcome: 'started', offset: 3 });
  });

  test('a deletion is told to all who keep words for a store that loses them', async () => {
    const { log, other } = current();
    const { conversationId, messageId } = await wholeRun(log, {}, 'x');
    const hints: WorkHint[] = [];
    const work = await other.onWork((hint) => hint.conversationId === conversationId && hint.kind === 'deleted' && hints.push(hint));
    await log.deleteMessage({ conversationId, userId: USER, messageId });
    await waitFor(() => hints.length === 1);
    await log.deleteConversation({ conversationId, userId: USER });
    await waitFor(() => hints.length === 2);
    expect(hints).toEqual([
      { kind: 'deleted', conversationId, messageId },
      { kind: 'deleted', conversationId },
    ]);
    await work.close();
  });

  test('a title is an event', async () => {
    const { log } = current();
    const { conversationId } = await startRun(log);
    expect(await log.setTitle({ conversationId, userId: USER, title: 'Tên "mới" 😀' })).toEqual({ outcome: 'done', offset: 4 });
    expect(await snapshotOf(log, conversationId)).toMatchObject({ title: 'Tên "mới" 😀', offset: 4 });
    expect(await log.setTitle({ conversationId: newId(), userId: USER, title: 'x' })).toEqual({ outcome: 'not-found' });
  });

  test('ids that could not stand in a key are refused', async () => {
    const { log } = current();
    for (const conversationId of ['', 'a:b', '{0}', 'ế', 'x'.repeat(65)]) {
      await expect(log.readState({ conversationId })).rejects.toMatchObject({ code: 'bad-frame' });
      await expect(log.beginRun(promptOf({ conversationId }))).rejects.toMatchObject({ code: 'bad-frame' });
      await expect(log.follow(conversationId, { message() {}, resubscribed() {} })).rejects.toMatchObject({ code: 'bad-frame' });
    }
  });
};
