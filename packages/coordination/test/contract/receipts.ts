import { FINISHES } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, claimed, endOf, eventsOf, LEASE_MS, MODELS, OWNER, snapshotOf, startRun, USER, type Current } from './world.ts';

/** What an answer is proved by once its run is gone. */
export const receiptsContract = (current: Current): void => {
  test('W-10 a whole answer has its receipt in the end, in the message and in the trail: who wrote it, and for how long', async () => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'Đi ');
    await log.releaseRun(run);
    const taken = claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS }));
    const heir = { ...run, epoch: taken.epoch };
    await append(log, heir, 4, 'thôi');
    await log.releaseRun(heir);
    // Nobody wrote it in between.
    const again = { ...run, epoch: claimed(await log.claimRun({ ...run, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS })).epoch };
    const usage = { promptTokens: 3, completionTokens: 2 };
    const end = endOf(again, 'Đi thôi', { finish: 'stop', usage, firstWordMs: 12 });
    await log.endRun(end);
    const { receipt } = (await snapshotOf(log, run.conversationId)).messages.at(-1)!;
    expect(receipt).toEqual({
      ...{ sha256: end.sha256, bytes: end.bytes, usage, firstWordMs: 12 },
      ...{ durationMs: expect.any(Number), nodes: [OWNER, 'pod-b.1'] },
    });
    const ended = (await eventsOf(log, run.conversationId)).at(-1);
    expect(ended).toMatchObject({ type: 'run-ended', receipt });
    const page = await log.readHistory({ conversationId: run.conversationId, userId: USER, limit: 1 });
    expect(page).toMatchObject({ messages: [{ receipt }] });
    await log.deleteMessage({ conversationId: run.conversationId, userId: USER, messageId: run.runId });
    expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).not.toHaveProperty('receipt');
  });

  test.each(FINISHES.filter((finish) => finish !== 'stop' && finish !== 'tools'))(
    'W-10 an answer that was cut has no receipt (%s)',
    async (finish) => {
      const { log } = current();
      const run = await startRun(log);
      await append(log, run, 0, 'abc');
      await log.endRun(endOf(run, 'abc', { finish, reason: finish === 'error' ? 'failed' : 'complete' }));
      expect((await eventsOf(log, run.conversationId)).at(-1)).not.toHaveProperty('receipt');
      expect((await snapshotOf(log, run.conversationId)).messages.at(-1)).not.toHaveProperty('receipt');
    },
  );

  test('W-10 nor has one that is empty, that was stopped, or that was whole when its reader stopped it', async () => {
    const { log } = current();
    const empty = await startRun(log);
    await log.endRun(endOf(empty, '', { finish: 'stop' }));
    const broken = await startRun(log);
    await append(log, broken, 0, 'abc');
    await log.endRun(endOf(broken, 'abc', { reason: 'interrupted' }));
    const stopped = await startRun(log);
    await append(log, stopped, 0, 'abc');
    await log.cancelRun({ ...stopped, userId: USER });
    await log.endRun(endOf(stopped, 'abc', { finish: 'stop' }));
    for (const { conversationId } of [empty, broken, stopped]) {
      expect((await eventsOf(log, conversationId)).at(-1)).not.toHaveProperty('receipt');
      expect((await snapshotOf(log, conversationId)).messages.at(-1)).not.toHaveProperty('receipt');
    }
  });
};
