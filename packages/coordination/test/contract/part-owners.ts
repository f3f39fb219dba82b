import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { append, claimed, LEASE_MS, MODELS, startRun, type Current } from './world.ts';

const thought: Part = { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'open', text: '' };

/** What of a part's writing only its run's owner may do, whatever else is wrong with it. */
export const partOwnersContract = (current: Current): void => {
  test('L-1 P-3 who was taken over is told so, not that a part stands, is missing or has another length', async () => {
    const { log } = current();
    const run = await startRun(log, {}, { leaseMs: 0 });
    const say = (partId: string, at: number) => log.appendPartChunk({ ...run, partId, field: 'text', at, text: 'ab', t: 5 });
    const put = () => log.putPart({ ...run, part: thought, from: null });
    expect([await put(), await say('p0', 0)]).toMatchObject([{ outcome: 'put' }, { outcome: 'appended' }]);
    expect([await put(), await say('p0', 0), await say('p0', 9)]).toMatchObject([
      { outcome: 'duplicate' },
      { outcome: 'duplicate' },
      { outcome: 'gap' },
    ]);
    claimed(await log.claimRun({ ...run, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS }));
    for (const answer of [await put(), await say('p0', 0), await say('p0', 9), await say('nobody', 0)])
      expect(answer).toEqual({ outcome: 'fenced' });
  });

  test('a step that has ended is gone on from, also when parts have come since that end none', async () => {
    const { log } = current();
    const run = await startRun(log, { model: 'story' }, { leaseMs: 0 });
    await append(log, run, 0, 'step one');
    expect(await log.putPart({ ...run, part: { ...thought, state: 'done' }, from: null, step: 8 })).toMatchObject({ outcome: 'put' });
    expect(await log.putPart({ ...run, part: { ...thought, partId: 'p1', index: 1, at: 8 }, from: null })).toMatchObject({
      outcome: 'put',
    });
    await append(log, run, 8, ' and half of two');
    const next = claimed(await log.claimRun({ ...run, owner: 'pod-b', leaseMs: LEASE_MS, models: MODELS }));
    expect(next.text).toBe('step one');
  });
};
