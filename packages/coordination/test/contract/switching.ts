import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { SwitchModel } from '../../src/run-log/run-log.ts';
import {
  append,
  claimed,
  collect,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  promptOf,
  snapshotOf,
  startRun,
  USER,
  type Current,
} from './world.ts';

/** An answer that has not begun is asked of another model. */
export const switchingContract = (current: Current): void => {
  const toStory = ({ conversationId, runId, epoch }: Pick<SwitchModel, 'conversationId' | 'runId' | 'epoch'>): SwitchModel => ({
    ...{ conversationId, runId, epoch },
    model: 'story',
  });

  test('readers, snapshots and the message are told who answers and who was asked, and the next owner claims it so', async () => {
    const { log } = current();
    const run = await startRun(log, { room: 0 });
    const live = await collect(log, run.conversationId);
    const result = await log.switchModel({ ...toStory(run), trimmed: { messages: 2, tokens: 9 } });
    const events = await eventsOf(log, run.conversationId);
    expect(result).toEqual({ outcome: 'switched', offset: events.at(-1)!.offset });
    const starts = events.filter((event) => event.type === 'run-started');
    expect(starts).toMatchObject([
      { model: 'count' },
      { model: 'story', requestedModel: 'count', trimmed: { messages: 2, tokens: 9 }, epoch: 1 },
    ]);
    expect(starts[1]).toMatchObject({ runId: run.runId, parentId: run.messageId, startedAt: starts[0]!.startedAt });
    await expect.poll(() => live.entries.map(({ offset }) => offset)).toEqual([events.at(-1)!.offset]);
    await live.close();
    const told = { model: 'story', requestedModel: 'count', trimmed: { messages: 2, tokens: 9 } };
    expect((await snapshotOf(log, run.conversationId)).run).toMatchObject(told);
    await log.releaseRun(run);
    const next = claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    expect(next).toMatchObject({ requestedModel: 'count', run: { model: 'story' } });
    await log.endRun(endOf({ ...run, epoch: next.epoch }, ''));
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject(told);
  });

  test('asked a second time it says no more; a third model keeps who was asked first; one that gets all of the thread says so', async () => {
    const { log } = current();
    const run = await startRun(log);
    await log.switchModel({ ...toStory(run), trimmed: { messages: 2, tokens: 9 } });
    const before = await eventsOf(log, run.conversationId);
    expect(await log.switchModel(toStory(run))).toEqual({ outcome: 'duplicate' });
    expect(await eventsOf(log, run.conversationId)).toEqual(before);
    await log.switchModel({ ...toStory(run), model: 'third' });
    const { run: running } = await snapshotOf(log, run.conversationId);
    expect(running).toMatchObject({ model: 'third', requestedModel: 'count' });
    expect(running).not.toHaveProperty('trimmed');
  });

  test('L-1 an answer that has begun, was cancelled, is another owner’s or over stays with its model', async () => {
    const { log } = current();
    const begun = await startRun(log);
    await append(log, begun, 0, 'w');
    expect(await log.switchModel(toStory(begun))).toEqual({ outcome: 'begun' });
    const thinking = await startRun(log);
    await log.putPart({ ...thinking, from: null, part: { partId: 'p', index: 0, at: 0, kind: 'reasoning', state: 'open' } });
    expect(await log.switchModel(toStory(thinking))).toEqual({ outcome: 'begun' });
    const cancelled = await startRun(log);
    await log.cancelRun({ ...cancelled, userId: USER });
    expect(await log.switchModel(toStory(cancelled))).toEqual({ outcome: 'cancelled' });
    const moved = await startRun(log);
    await log.releaseRun(moved);
    await log.claimRun({ ...moved, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS });
    expect(await log.switchModel(toStory(moved))).toEqual({ outcome: 'fenced' });
    const over = await startRun(log);
    await log.endRun(endOf(over, ''));
    expect(await log.switchModel(toStory(over))).toEqual({ outcome: 'closed' });
    expect(await log.switchModel({ conversationId: newId(), runId: newId(), epoch: 1, model: 'story' })).toEqual({ outcome: 'gone' });
    for (const { conversationId } of [begun, thinking, cancelled, moved, over]) {
      const starts = (await eventsOf(log, conversationId)).filter((event) => event.type === 'run-started');
      expect(starts.map(({ model }) => model)).toEqual(['count']);
    }
  });

  test('the next answer of a conversation knows nothing of it', async () => {
    const { log } = current();
    const run = await startRun(log);
    await log.switchModel(toStory(run));
    await log.endRun(endOf(run, ''));
    const { conversationId } = await startRun(log, promptOf({ conversationId: run.conversationId }));
    const { run: running } = await snapshotOf(log, conversationId);
    expect(running).toMatchObject({ model: 'count' });
    expect(running).not.toHaveProperty('requestedModel');
  });
};
