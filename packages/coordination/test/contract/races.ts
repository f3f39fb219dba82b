import { setImmediate } from 'node:timers/promises';
import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import {
  append,
  claimed,
  endOf,
  eventsOf,
  LEASE_MS,
  MODELS,
  promptOf,
  SHORT_LEASE_MS,
  snapshotOf,
  startRun,
  USER,
  type Current,
} from './world.ts';
import { waitFor } from '../../testing/wait.ts';

const count = (outcomes: { outcome: string }[], outcome: string): number => outcomes.filter((result) => result.outcome === outcome).length;

export const racesContract = (current: Current): void => {
  test('P-2 the same prompt sent at once from two gateways makes one run', async () => {
    const { log, other } = current();
    for (let round = 0; round < 10; round++) {
      const prompt = promptOf();
      const sent = await Promise.all([log, other, log, other].map((client) => client.beginRun({ ...prompt, runId: newId() })));
      expect([count(sent, 'started'), count(sent, 'duplicate')]).toEqual([1, 3]);
      expect(new Set(sent.map((result) => 'runId' in result && result.runId)).size).toBe(1);
      expect(await eventsOf(log, prompt.conversationId)).toHaveLength(3);
    }
  });

  test('P-3 of many claimers one gets the run', async () => {
    const { log, other } = current();
    for (let round = 0; round < 10; round++) {
      const prompt = promptOf();
      await log.beginRun(prompt);
      const claim = { conversationId: prompt.conversationId, runId: prompt.runId, leaseMs: LEASE_MS, models: MODELS };
      const results = await Promise.all([log, other, log, other].map((client, pod) => client.claimRun({ ...claim, owner: `pod-${pod}` })));
      expect([count(results, 'claimed'), count(results, 'owned')]).toEqual([1, 3]);
    }
  });

  test('P-3 a zombie that writes while it is taken over leaves one whole text', async () => {
    const { log, other } = current();
    const zombie = await startRun(log, {}, { leaseMs: SHORT_LEASE_MS });
    const { conversationId, runId } = zombie;
    let alive = true;
    let written = 0;
    const write = async (): Promise<void> => {
      while (alive) {
        const { outcome } = await append(log, zombie, written, 'z');
        if (outcome !== 'appended') return expect(outcome).toBe('fenced');
        written++;
        // A store in memory answers within the turn: timers would never come.
        await setImmediate();
      }
    };
    const writing = write();
    let text = '';
    await waitFor(async () => {
      const result = await other.claimRun({ conversationId, runId, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS });
      if (result.outcome !== 'claimed') return false;
      text = claimed(result).text;
      return true;
    });
    for (let i = 0; i < 20; i++)
      expect(await append(other, { ...zombie, epoch: 2 }, text.length + i, 'b')).toMatchObject({ outcome: 'appended' });
    alive = false;
    await writing;
    expect(text).toBe('z'.repeat(written));
    expect((await snapshotOf(log, conversationId)).run?.text).toBe('z'.repeat(written) + 'b'.repeat(20));
  });

  test('L-1 appends sent twice without waiting stand once', async () => {
    const { log } = current();
    const run = await startRun(log);
    for (let i = 0; i < 20; i++) {
      const twice = await Promise.all([append(log, run, i, 'x'), append(log, run, i, 'x')]);
      expect([count(twice, 'appended'), count(twice, 'duplicate')]).toEqual([1, 1]);
    }
    expect((await snapshotOf(log, run.conversationId)).run?.text).toBe('x'.repeat(20));
  });

  test('P-2 cancel against end: one run-ended, and who cancels learns which', async () => {
    const { log, other } = current();
    for (let round = 0; round < 10; round++) {
      const run = await startRun(log);
      await append(log, run, 0, 'ab');
      const [cancelled, ended] = await Promise.all([other.cancelRun({ ...run, userId: USER }), log.endRun(endOf(run, 'ab'))]);
      expect(ended.outcome).toBe('ended');
      expect(['cancelling', 'already-ended']).toContain(cancelled.outcome);
      const finish = await Promise.all([log, other].map((client) => client.endRun(endOf(run, 'ab', { epoch: null, reason: 'cancelled' }))));
      expect(count(finish, 'closed')).toBe(2);
      const ends = (await eventsOf(log, run.conversationId)).filter((event) => event.type === 'run-ended');
      expect(ends).toHaveLength(1);
      expect(ends[0]).toMatchObject({ reason: cancelled.outcome === 'cancelling' ? 'cancelled' : 'complete' });
    }
  });

  test('P-2 owner and gateways that end a cancelled run at once end it once', async () => {
    const { log, other } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'ab');
    await log.cancelRun({ ...run, userId: USER });
    const end = endOf(run, 'ab', { reason: 'cancelled' });
    const results = await Promise.all([log.endRun(end), other.endRun({ ...end, epoch: null }), log.endRun({ ...end, epoch: null })]);
    expect([count(results, 'ended'), count(results, 'closed')]).toEqual([1, 2]);
  });
};
