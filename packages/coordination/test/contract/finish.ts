import { FINISHES, newId, UNLISTED } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '../../src/memory/run-log.ts';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  OWNER,
  promptOf,
  restoreOf,
  snapshotOf,
  startRun,
  USER,
  wholeRun,
  type Current,
} from './world.ts';

/** How the model stopped, wherever an end is told. */
export const finishContract = (current: Current): void => {
  test.each(FINISHES)('B15 how the model stopped (%s) is in the end, in the message and in the trail', async (finish) => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'abc');
    const reason = finish === 'error' ? 'failed' : 'complete';
    await log.endRun(endOf(run, 'abc', { reason, finish }));
    expect((await eventsOf(log, run.conversationId)).at(-1)).toMatchObject({ type: 'run-ended', reason, finish });
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject({ status: reason, finish });
    const page = await log.readHistory({ conversationId: run.conversationId, userId: USER, limit: 1 });
    expect(page).toMatchObject({ messages: [{ messageId: run.runId, finish }] });
  });

  test('L-1 what the model is asked goes to every owner of a run, and to nobody after its end', async () => {
    const { log } = current();
    const request = JSON.stringify({ params: { stop: 'Đ👋' } });
    const ref = await startRun(log, { request });
    const again = async () => claimed(await log.claimRun({ ...ref, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    await log.releaseRun(ref);
    const second = await again();
    expect(second.request).toBe(request);
    await log.releaseRun({ ...ref, epoch: second.epoch });
    const third = await again();
    await log.endRun(endOf({ ...ref, epoch: third.epoch }, ''));
    const next = promptOf({ conversationId: ref.conversationId });
    await log.beginRun(next);
    const { conversationId, runId } = next;
    const last = await log.claimRun({ conversationId, runId, owner: OWNER, leaseMs: LEASE_MS, models: MODELS });
    expect(claimed(last)).not.toHaveProperty('request');
  });

  test('L-6 what the model is asked is written again with the run', async () => {
    const { log } = current();
    const run = { ...(await startRun(createMemoryRunLog())), conversationId: newId() };
    await log.restoreRun({ ...restoreOf(run, 'abc'), request: '{"instructions":"brief"}' });
    await log.releaseRun(run);
    const claim = claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    expect(claim.request).toBe('{"instructions":"brief"}');
  });

  test('what an answer cost stands in its message', async () => {
    const { log } = current();
    const run = await startRun(log);
    const usage = { promptTokens: 7, completionTokens: 3 };
    await log.endRun(endOf(run, '', { usage }));
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).toMatchObject({ messageId: run.runId, usage });
  });

  test('a conversation that an API’s caller does not want listed is in no list', async () => {
    const { log } = current();
    const unlisted = `${UNLISTED}${newId()}`;
    await startRun(log, { conversationId: unlisted });
    const { conversationId } = await startRun(log);
    const listed = async () => (await log.listConversations({ userId: USER, limit: 1_000 })).conversations.map((c) => c.conversationId);
    await expect.poll(listed).toContain(conversationId);
    expect(await listed()).not.toContain(unlisted);
  });

  test('B15 an end without a word has none, and one that a cancel overtook loses it', async () => {
    const { log } = current();
    const silent = await wholeRun(log);
    const run = await startRun(log);
    await log.cancelRun({ ...run, userId: USER });
    await log.endRun(endOf(run, '', { finish: 'length' }));
    for (const { conversationId } of [silent, run]) {
      expect((await eventsOf(log, conversationId)).at(-1)).not.toHaveProperty('finish');
      expect((await snapshotOf(log, conversationId)).messages.at(-1)).not.toHaveProperty('finish');
    }
  });
};
