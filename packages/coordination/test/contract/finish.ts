import { FINISHES } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, endOf, eventsOf, snapshotOf, startRun, USER, wholeRun, type Current } from './world.ts';

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
