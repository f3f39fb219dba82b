import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, claimed, LEASE_MS, MODELS, restoreOf, startRun, USER, type Current, type Started } from './world.ts';

const call = (change: Partial<Part> = {}): Part => ({
  ...{ partId: 'p0', index: 0, at: 3, kind: 'tool', state: 'ready', name: 'do', server: 'demo', callId: 'c', step: 0 },
  ...change,
});
const asking = call({ partId: 'p1', index: 1, state: 'waiting', name: 'act', approval: { policy: 'ask' } });
const done = call({ state: 'done', output: 'made' });

/** What its owner has seen stand, of which this store has lost some or all. */
const OWNERS: readonly [lost: string, bytes: number, parts: readonly Part[]][] = [
  ['the call that was made', 3, [done, asking]],
  ['that it was being made', 3, [call({ state: 'running' }), asking]],
  ['a part', 3, [call(), asking, call({ partId: 'p2', index: 2, state: 'done', name: 'look' })]],
  ['some of what a part says', 3, [call({ output: 'ma' }), asking]],
];

/** An owner that lets go of a run in a store that has gone back behind what it wrote: nobody may go on from there. */
export const lettingGoContract = (current: Current): void => {
  /** A run as the store has it: three bytes, a call that nobody has made, and one that waits. */
  const standing = async (): Promise<Started> => {
    const { log } = current();
    const run = await startRun(log);
    await append(log, run, 0, 'abc');
    await log.putPart({ ...run, part: call(), from: null });
    await log.putPart({ ...run, part: asking, from: null });
    return run;
  };
  const claim = (run: Started) =>
    current().log.claimRun({ conversationId: run.conversationId, runId: run.runId, owner: 'pod-b.1', leaseMs: LEASE_MS, models: MODELS });

  test.each(OWNERS)('W-19 a run is not parked in a store that has lost %s', async (_lost, bytes, parts) => {
    const { log } = current();
    const run = await standing();
    for (const tell of [true, false]) {
      const park = { ...run, partIds: ['p1'], bytes, parts, ...(tell && { tell }) };
      expect(await log.parkRun(park)).toEqual({ outcome: 'gone' });
    }
    expect(await claim(run)).toMatchObject({ outcome: 'owned' });
    // Written again by its owner, it waits with all that was done.
    expect(await log.restoreRun({ ...restoreOf(run, 'abc'), parts })).toMatchObject({ outcome: 'restored' });
    expect(await log.parkRun({ ...run, partIds: ['p1'], bytes, parts })).toMatchObject({ outcome: 'parked' });
  });

  test.each([...OWNERS, ['the end of the text', 5, [call(), asking]] as const])(
    'L-6 a run is not released in a store that has lost %s',
    async (_lost, bytes, parts) => {
      const { log } = current();
      const run = await standing();
      expect(await log.releaseRun({ ...run, standing: { bytes, parts } })).toBe('gap');
      expect(await claim(run)).toMatchObject({ outcome: 'owned' });
      const text = 'abcde'.slice(0, bytes);
      expect(await log.restoreRun({ ...restoreOf(run, text), parts })).toMatchObject({ outcome: 'restored' });
      expect(await log.releaseRun({ ...run, standing: { bytes, parts } })).toBe('released');
      expect(claimed(await claim(run))).toMatchObject({ text, parts: parts.map(({ state }) => ({ state })) });
    },
  );

  test('W-17 a run that stands as its owner has it is let go of', async () => {
    const { log } = current();
    const parts = [call(), asking];
    const [first, second] = [await standing(), await standing()];
    expect(await log.parkRun({ ...first, partIds: ['p1'], bytes: 3, parts })).toMatchObject({ outcome: 'parked' });
    expect(await log.releaseRun({ ...second, standing: { bytes: 3, parts } })).toBe('released');
  });

  test('P-5 a run that is to be cancelled is released as its reader saw it stop, whatever its owner has', async () => {
    const { log } = current();
    const run = await standing();
    expect(await log.cancelRun({ conversationId: run.conversationId, runId: run.runId, userId: USER })).toMatchObject({
      outcome: 'cancelling',
    });
    expect(await log.releaseRun({ ...run, standing: { bytes: 9, parts: [done, asking] } })).toBe('released');
  });
};
