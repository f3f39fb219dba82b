import { createHash } from 'node:crypto';
import { newId } from '@runnel/protocol';
import { expect, test } from 'vitest';
import type { AddGrant, RunLog } from '@runnel/coordination';
import { waitFor } from '../../testing/wait.ts';
import type { Current } from './world.ts';

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
const grantOf = (change: Partial<AddGrant> = {}): AddGrant => ({
  userId: `{braces}/${newId()}`,
  kind: 'key',
  grantId: newId(),
  digest: digestOf(newId()),
  data: '{"name":"a"}',
  lifeMs: null,
  idleMs: 0,
  limit: 3,
  whenFull: 'refuse',
  ...change,
});

/** Grants that a listener hears of. */
const hear = async (log: RunLog) => {
  const ended: string[] = [];
  const subscription = await log.onGrantEnded({ ended: (grantId) => void ended.push(grantId), resubscribed: () => {} });
  return { ended, close: () => subscription.close() };
};

export const grantsContract = (current: Current): void => {
  test('A-1 a grant lets its person in by its digest alone, on every node, until it is ended; ending twice is ending once', async () => {
    const { log, other } = current();
    const grant = grantOf();
    const { userId, kind, grantId, digest, data } = grant;
    expect(await log.useGrant({ kind, digest })).toEqual({ outcome: 'none' });
    expect(await log.addGrant(grant)).toEqual({ outcome: 'added', replaced: [] });
    const [unused] = await log.listGrants({ userId, kind: 'key' });
    expect(unused!.usedAt).toBe(unused!.createdAt);
    const valid = await other.useGrant({ kind, digest });
    expect(valid).toMatchObject({ outcome: 'valid', userId, grantId, data, expiresAt: null });
    // The store's own time, by which nodes with clocks of their own agree.
    if (valid.outcome === 'valid') expect(valid.at - valid.createdAt).toBeGreaterThanOrEqual(0);
    if (valid.outcome === 'valid') expect(valid.at - valid.createdAt).toBeLessThan(60_000);
    const [used] = await log.listGrants({ userId, kind: 'key' });
    expect(used!.usedAt).toBeGreaterThan(used!.createdAt);
    expect(await other.useGrant({ kind, digest: digestOf('another') })).toEqual({ outcome: 'none' });
    expect(await other.useGrant({ kind: 'session', digest })).toEqual({ outcome: 'none' });
    expect(await other.endGrant({ userId: newId(), kind: 'key', grantId })).toBe('none');
    expect(await other.endGrant({ userId, kind: 'session', grantId })).toBe('none');
    expect(await log.useGrant({ kind, digest })).toMatchObject({ outcome: 'valid' });
    expect(await other.endGrant({ userId, kind: 'key', grantId })).toBe('ended');
    expect(await log.useGrant({ kind, digest })).toEqual({ outcome: 'none' });
    expect(await log.endGrant({ userId, kind: 'key', grantId })).toBe('none');
    expect(await log.listGrants({ userId, kind: 'key' })).toEqual([]);
  });

  test('A-15 the provider’s name of a session says whose it is, lets nobody in, is in no list, and goes with the person', async () => {
    const { log, other } = current();
    const named = grantOf({ kind: 'sid', lifeMs: 60_000, whenFull: 'replace' });
    const { userId, digest } = named;
    const session = grantOf({ userId, kind: 'session', limit: 1, whenFull: 'replace' });
    await log.addGrant(named);
    await log.addGrant(named);
    expect(await log.addGrant(session)).toEqual({ outcome: 'added', replaced: [] });
    expect(await other.useGrant({ kind: 'sid', digest })).toMatchObject({ outcome: 'valid', userId });
    for (const kind of ['session', 'key'] as const) expect(await other.useGrant({ kind, digest })).toEqual({ outcome: 'none' });
    expect((await log.listGrants({ userId, kind: 'session' })).map(({ grantId }) => grantId)).toEqual([session.grantId]);
    await log.endGrantsOf(userId);
    expect(await other.useGrant({ kind: 'sid', digest })).toEqual({ outcome: 'none' });
  });

  test('A-1 every node hears that a grant ended, also when it is ended again or makes way', async () => {
    const { log, other } = current();
    const [here, there] = [await hear(log), await hear(other)];
    const { userId, grantId, ...rest } = grantOf({ kind: 'session', limit: 1, whenFull: 'replace' });
    await log.addGrant({ userId, grantId, ...rest });
    const second = grantOf({ userId, kind: 'session', limit: 1, whenFull: 'replace' });
    expect(await log.addGrant(second)).toEqual({ outcome: 'added', replaced: [grantId] });
    await other.endGrant({ userId, kind: 'session', grantId: second.grantId });
    await other.endGrant({ userId, kind: 'session', grantId: second.grantId });
    const all = [grantId, second.grantId, second.grantId];
    const heard = ({ ended }: typeof here) => ended.filter((id) => all.includes(id)).length === 3;
    await waitFor(() => heard(here) && heard(there), { deadlineMs: 3_000, what: 'both nodes hear of three ends' });
    await Promise.all([here.close(), there.close()]);
  });

  test('A-2 a person has so many grants of a kind, however many nodes race, and other kinds and people do not count', async () => {
    const { log, other } = current();
    const userId = newId();
    const racing = Array.from({ length: 12 }, (_, i) => (i % 2 ? log : other).addGrant(grantOf({ userId })));
    const outcomes = (await Promise.all(racing)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(3);
    expect(await log.addGrant(grantOf({ userId, kind: 'session' }))).toMatchObject({ outcome: 'added' });
    expect(await log.addGrant(grantOf())).toMatchObject({ outcome: 'added' });
    const refused = grantOf({ userId });
    expect(await log.addGrant(refused)).toEqual({ outcome: 'full' });
    expect(await log.useGrant(refused)).toEqual({ outcome: 'none' });
    const [oldest] = await other.listGrants({ userId, kind: 'key' });
    await other.endGrant({ userId, kind: 'key', grantId: oldest!.grantId });
    expect(await log.addGrant(grantOf({ userId }))).toMatchObject({ outcome: 'added' });
  });

  test('A-3 a grant ends with its life, or when nobody used it, and makes room then', async () => {
    const { log, other } = current();
    const userId = newId();
    const short = grantOf({ userId, lifeMs: 40, limit: 1 });
    const idle = grantOf({ userId, kind: 'session', lifeMs: 60_000, idleMs: 40, limit: 1 });
    await log.addGrant(short);
    await log.addGrant(idle);
    for (const { kind, digest } of [short, idle]) {
      await waitFor(async () => (await other.useGrant({ kind, digest })).outcome === 'none', { deadlineMs: 3_000, what: 'it has ended' });
    }
    expect(await log.listGrants({ userId, kind: 'session' })).toEqual([]);
    expect(await log.addGrant(grantOf({ userId, limit: 1 }))).toMatchObject({ outcome: 'added' });
    const lasting = grantOf({ userId, kind: 'session', lifeMs: 60_000, limit: 1 });
    await log.addGrant(lasting);
    const used = await log.useGrant(lasting);
    if (used.outcome !== 'valid') throw new Error('it should live');
    expect(used.expiresAt! - used.createdAt).toBe(60_000);
    // The key that never ends is still there beside a session that does.
    expect(await log.listGrants({ userId, kind: 'key' })).toHaveLength(1);
  });

  test('A-4 of two nodes that renew a session at once, one keeps its data; an ended one comes not back', async () => {
    const { log, other } = current();
    const { userId, kind, grantId, digest, data, ...rest } = grantOf({ kind: 'session', lifeMs: 60_000 });
    await log.addGrant({ userId, kind, grantId, digest, data, ...rest });
    const keep = (by: RunLog, next: string) => by.keepGrant({ userId, grantId, before: data, data: next });
    const outcomes = await Promise.all([keep(log, '{"a":1}'), keep(other, '{"a":2}')]);
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['changed', 'kept']);
    const kept = outcomes[0]!.outcome === 'kept' ? '{"a":1}' : '{"a":2}';
    expect(await log.useGrant({ kind, digest })).toMatchObject({ outcome: 'valid', data: kept });
    await log.endGrant({ userId, kind: 'session', grantId });
    expect(await keep(log, '{}')).toEqual({ outcome: 'none' });
    expect(await log.useGrant({ kind, digest })).toEqual({ outcome: 'none' });
  });

  test('S-17 who is forgotten is let in by nothing', async () => {
    const { log, other } = current();
    const userId = newId();
    const [key, session] = [grantOf({ userId }), grantOf({ userId, kind: 'session' })];
    await log.addGrant(key);
    await log.addGrant(session);
    const { ended, close } = await hear(other);
    await log.endGrantsOf(userId);
    for (const { kind, digest } of [key, session]) expect(await other.useGrant({ kind, digest })).toEqual({ outcome: 'none' });
    await waitFor(() => [key, session].every(({ grantId }) => ended.includes(grantId)), { deadlineMs: 3_000, what: 'both ends are heard' });
    await close();
    await log.endGrantsOf(userId);
  });
};
