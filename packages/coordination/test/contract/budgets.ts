import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { endOf, promptOf, startRun, wholeRun, USER, type Current } from './world.ts';

export const budgetsContract = (current: Current): void => {
  test('S-7 a person has so many places for runs; the same run takes one however often it asks', async () => {
    const { log, other } = current();
    const userId = `{braces}/${newId()}`;
    const runs = Array.from({ length: 4 }, () => ({ conversationId: newId(), runId: newId() }));
    const reserve = (run: (typeof runs)[number], by = log) => by.reserveRun({ userId, ...run, limit: 3 });
    for (const run of runs.slice(0, 3)) expect(await reserve(run)).toEqual({ outcome: 'reserved' });
    expect(await reserve(runs[0]!, other)).toEqual({ outcome: 'kept' });
    const full = await reserve(runs[3]!, other);
    expect(full).toMatchObject({ outcome: 'full' });
    const held = full.outcome === 'full' ? full.held : [];
    expect(held.map(({ conversationId, runId }) => ({ conversationId, runId })).toSorted(byRun)).toEqual(runs.slice(0, 3).toSorted(byRun));
    for (const { ageMs } of held) expect(ageMs).toBeGreaterThanOrEqual(0);
    // Another person's places are their own.
    expect(await log.reserveRun({ userId: newId(), ...runs[3]!, limit: 3 })).toEqual({ outcome: 'reserved' });
    expect(await log.reserveRun({ userId, ...runs[3]!, limit: 3, drop: [runs[1]!] })).toEqual({ outcome: 'reserved' });
    await other.freeRuns(userId, [runs[0]!, runs[2]!]);
    expect(await reserve(runs[1]!)).toEqual({ outcome: 'reserved' });
  });

  test('S-7 gateways that race for the last places never pass the limit together', async () => {
    const { log, other } = current();
    const userId = newId();
    const asked = Array.from({ length: 40 }, (_, index) =>
      (index % 2 ? log : other).reserveRun({ userId, conversationId: newId(), runId: newId(), limit: 5 }),
    );
    const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'reserved')).toHaveLength(5);
  });

  test('S-17 who is forgotten holds nothing, has spent nothing and has no list', async () => {
    const { log } = current();
    const userId = `{braces}/${newId()}`;
    const run = { conversationId: newId(), runId: newId() };
    await log.reserveRun({ userId, ...run, limit: 1 });
    await log.spendBytes(userId, 90, 100);
    const share = { userId, kind: 'sockets' as const, wanted: 3, limit: 3, holders: ['a', 'b'] };
    expect(await log.holdShare({ ...share, holder: 'a' })).toBe(3);
    await log.forgetPerson(userId);
    expect(await log.reserveRun({ userId, conversationId: newId(), runId: newId(), limit: 1 })).toEqual({ outcome: 'reserved' });
    expect(await log.spendBytes(userId, 90, 100)).toEqual({ outcome: 'spent', total: 90 });
    expect(await log.holdShare({ ...share, holder: 'b' })).toBe(3);
    await log.forgetPerson(userId);
  });

  test('W-4 the run that ids have made is found, and whether it runs; nobody else finds it', async () => {
    const { log } = current();
    const run = await startRun(log);
    const { conversationId, messageId, runId } = run;
    const ask = (change: { messageId?: string | null; runId?: string; userId?: string }) =>
      log.findRun({ conversationId, userId: USER, messageId: null, runId: newId(), ...change });
    expect(await ask({ messageId })).toEqual({ outcome: 'running', runId, offset: 3 });
    expect(await ask({ runId })).toEqual({ outcome: 'running', runId, offset: 3 });
    expect(await ask({})).toEqual({ outcome: 'none' });
    expect(await ask({ runId, userId: 'somebody else' })).toEqual({ outcome: 'forbidden' });
    await log.endRun(endOf(run, ''));
    expect(await ask({ messageId })).toEqual({ outcome: 'ended', runId, offset: 3 });
    const next = promptOf({ conversationId });
    await log.beginRun(next);
    expect(await ask({ messageId })).toMatchObject({ outcome: 'ended', runId });
    expect(await ask({ runId: next.runId })).toMatchObject({ outcome: 'running', runId: next.runId });
    expect(await log.findRun({ conversationId: newId(), userId: USER, messageId, runId })).toEqual({ outcome: 'none' });
  });

  test('S-5 bytes of a day are counted together, and what would pass the limit is not', async () => {
    const { log, other } = current();
    const userId = newId();
    expect(await log.spendBytes(userId, 60, 0)).toEqual({ outcome: 'spent', total: 0 });
    expect(await log.spendBytes(userId, 60, 100)).toEqual({ outcome: 'spent', total: 60 });
    const over = await other.spendBytes(userId, 60, 100);
    expect(over).toMatchObject({ outcome: 'over' });
    const retryAfterMs = over.outcome === 'over' ? over.retryAfterMs : 0;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(24 * 60 * 60 * 1000);
    // What an answer added counts whatever the limit is, and what is given back is free again.
    expect(await log.spendBytes(userId, 50, 0)).toEqual({ outcome: 'spent', total: 110 });
    expect(await other.spendBytes(userId, 1, 100)).toMatchObject({ outcome: 'over' });
    expect(await log.spendBytes(userId, -70, 100)).toEqual({ outcome: 'spent', total: 40 });
    expect(await other.spendBytes(userId, 60, 100)).toEqual({ outcome: 'spent', total: 100 });
    expect(await log.spendBytes(userId, -1000, 100)).toEqual({ outcome: 'spent', total: 0 });
  });

  test('S-6 shares of a kind stay within the limit together, whatever gateway holds them', async () => {
    const { log, other } = current();
    const userId = newId();
    const holders = ['gw-a', 'gw-b'];
    const hold = (by: typeof log, holder: string, wanted: number, kind: 'sockets' | 'follows' = 'sockets') =>
      by.holdShare({ userId, kind, holder, wanted, limit: 10, holders });
    expect(await hold(log, 'gw-a', 7)).toBe(7);
    expect(await hold(other, 'gw-b', 7)).toBe(3);
    expect(await hold(log, 'gw-a', 7)).toBe(7);
    expect(await hold(log, 'gw-a', 9)).toBe(7);
    expect(await hold(other, 'gw-b', 9, 'follows')).toBe(9);
    expect(await hold(log, 'gw-a', 0)).toBe(0);
    expect(await hold(other, 'gw-b', 20)).toBe(10);
  });

  test('a gateway that said so lives, until its word runs out', async () => {
    const { log, other } = current();
    const [first, second] = [newId(), newId()];
    expect(await log.noteHolder(first, 60_000)).toContain(first);
    expect(await other.noteHolder(second, 60_000)).toEqual(expect.arrayContaining([first, second]));
    await log.noteHolder(first, 0);
    expect(await other.noteHolder(second, 60_000)).not.toContain(first);
  });

  test('S-7 a run that has ended is found so, and its place can be named', async () => {
    const { log } = current();
    const userId = newId();
    const run = await wholeRun(log, { userId });
    const { conversationId, runId } = run;
    await log.reserveRun({ userId, conversationId, runId, limit: 1 });
    expect(await log.findRun({ conversationId, userId, messageId: null, runId })).toMatchObject({ outcome: 'ended' });
    const next = { conversationId: newId(), runId: newId() };
    expect(await log.reserveRun({ userId, ...next, limit: 1 })).toMatchObject({ outcome: 'full' });
    expect(await log.reserveRun({ userId, ...next, limit: 1, drop: [{ conversationId, runId }] })).toEqual({ outcome: 'reserved' });
  });
};

const byRun = (a: { runId: string }, b: { runId: string }): number => a.runId.localeCompare(b.runId);
