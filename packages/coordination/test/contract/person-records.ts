import { newId } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../testing/wait.ts';
import { RECORD_KINDS, RECORD_LIMITS, type PersonRecord, type RecordKind } from '../../src/person-records.ts';
import type { Current } from './world.ts';

/** What people set for themselves: kept by version, whole after a loss, bounded, told to their pages. */
export const personRecordsContract = (current: Current): void => {
  const somebody = (kind: RecordKind = 'place', userId = `${newId()} {ä|b}`) => ({ userId, kind, lasting: true });
  const known = async (
    kind: RecordKind = 'place',
    records: { name: string; version: number; fields: Record<string, string> | null }[] = [],
  ) => {
    const of = somebody(kind);
    await current().log.mergeRecords({ ...of, records });
    return of;
  };
  const all = async (of: ReturnType<typeof somebody>): Promise<Record<string, PersonRecord['fields']>> => {
    const read = await current().log.readRecords(of);
    if (read.outcome !== 'found') throw new Error(read.outcome);
    return Object.fromEntries(read.records.map(({ name, fields }) => [name, fields]));
  };

  test('nothing is known of a person before the database was asked: neither read nor written', async () => {
    const { log } = current();
    const of = somebody();
    expect(await log.readRecords(of)).toEqual({ outcome: 'absent' });
    expect(await log.putRecord({ ...of, name: 'c1', patch: { pinned: '1' } })).toEqual({ outcome: 'absent' });
    await log.mergeRecords({ ...of, records: [] });
    expect(await log.readRecords(of)).toEqual({ outcome: 'found', records: [] });
  });

  test('two devices that change different fields both win, of the same field the later one; versions rise', async () => {
    const { log, other } = current();
    const of = await known();
    const [a, b] = await Promise.all([
      log.putRecord({ ...of, name: 'c1', patch: { pinned: '1' } }),
      other.putRecord({ ...of, name: 'c1', patch: { folder: 'Việc "nhà"/\\' } }),
    ]);
    expect([a.outcome, b.outcome]).toEqual(['done', 'done']);
    expect(await all(of)).toEqual({ c1: { pinned: '1', folder: 'Việc "nhà"/\\' } });
    const third = await log.putRecord({ ...of, name: 'c1', patch: { folder: 'X', pinned: null } });
    const versions = [a, b, third].map((result) => (result.outcome === 'done' ? result.record.version : 0));
    expect(new Set(versions).size).toBe(3);
    expect(Math.max(...versions)).toBe(versions[2]);
    expect(await all(of)).toEqual({ c1: { folder: 'X' } });
    expect(await log.readRecords({ ...of, names: ['c1', 'never'] })).toMatchObject({ outcome: 'found', records: [{ name: 'c1' }] });
  });

  test('what is so already changes nothing, and a record without fields is none', async () => {
    const { log } = current();
    const of = await known();
    expect(await log.putRecord({ ...of, name: 'c1', patch: { pinned: null } })).toMatchObject({ outcome: 'same' });
    const first = await log.putRecord({ ...of, name: 'c1', patch: { pinned: '1' } });
    expect(await log.putRecord({ ...of, name: 'c1', patch: { pinned: '1' } })).toEqual({ ...first, outcome: 'same' });
    expect(await log.putRecord({ ...of, name: 'c1', patch: {}, whole: true })).toMatchObject({ outcome: 'done', record: { fields: {} } });
    expect(await all(of)).toEqual({});
  });

  test('a whole record is what its patch says', async () => {
    const { log } = current();
    const of = await known('prompt');
    await log.putRecord({ ...of, name: 'p', patch: { text: 'a', note: 'b' } });
    await log.putRecord({ ...of, name: 'p', patch: { text: 'c' }, whole: true });
    expect(await all(of)).toEqual({ p: { text: 'c' } });
  });

  test('one person’s records are not another’s, nor those of another kind', async () => {
    const { log } = current();
    const [ann, bob] = [await known('place'), await known('place')];
    const thumbs = { ...ann, kind: 'feedback' as const };
    await log.mergeRecords({ ...thumbs, records: [] });
    await log.putRecord({ ...ann, name: 'c1', patch: { pinned: '1' } });
    expect([await all(bob), await all(thumbs)]).toEqual([{}, {}]);
  });

  test('what the database has comes back once, and what is newer here stays', async () => {
    const { log } = current();
    const stored = [
      { name: 'old', version: 10, fields: { folder: 'A' } },
      { name: 'gone', version: 11, fields: null },
    ];
    const of = await known('place', stored);
    expect(await all(of)).toEqual({ old: { folder: 'A' } });
    await log.putRecord({ ...of, name: 'old', patch: { folder: 'B' } });
    await log.putRecord({ ...of, name: 'c2', patch: { pinned: '1' } });
    await log.putRecord({ ...of, name: 'c2', patch: { pinned: null } });
    // Another process that asked the database at the same time.
    await log.mergeRecords({ ...of, records: [...stored, { name: 'c2', version: 12, fields: { pinned: '1' } }] });
    expect(await all(of)).toEqual({ old: { folder: 'B' } });
  });

  test('after the store changed the database is asked again: of each the newer stays, and what was taken away here stays away', async () => {
    const { log, changeStore } = current();
    const of = await known('place', [{ name: 'dropped', version: 5, fields: { folder: 'A' } }]);
    await log.putRecord({ ...of, name: 'mine', patch: { folder: 'B' } });
    await log.putRecord({ ...of, name: 'dropped', patch: { folder: null } });
    await changeStore();
    await waitFor(async () => (await log.readRecords(of)).outcome === 'absent');
    const future = Date.now() + 3_600_000;
    await log.mergeRecords({
      ...of,
      records: [
        { name: 'dropped', version: 5, fields: { folder: 'A' } },
        { name: 'theirs', version: future, fields: { folder: 'C' } },
      ],
    });
    expect(await all(of)).toEqual({ mine: { folder: 'B' }, theirs: { folder: 'C' } });
    const next = await log.putRecord({ ...of, name: 'next', patch: { pinned: '1' } });
    expect(next).toMatchObject({ outcome: 'done', record: { version: future + 1 } });
  });

  describe('each kind is bounded, and making something smaller is always possible', () => {
    test.each(RECORD_KINDS)('%s', async (kind) => {
      const { log } = current();
      const { fields, bytes, entries } = RECORD_LIMITS[kind];
      const of = await known(kind);
      const put = (name: string, patch: Record<string, string | null>) => log.putRecord({ ...of, name, patch });
      const half = 'x'.repeat(Math.floor(bytes / 2));
      expect(await put('a', { f: half })).toMatchObject({ outcome: 'done' });
      expect(await put('a', { g: half })).toEqual({ outcome: 'full', what: 'bytes' });
      expect(await put('a', { f: 'x' })).toMatchObject({ outcome: 'done' });
      const wide = Object.fromEntries(Array.from({ length: fields }, (_, n) => [`f${n}`, '1']));
      expect(await put('a', wide)).toEqual({ outcome: 'full', what: 'fields' });
      expect(await put('a', { ...wide, f: null })).toMatchObject({ outcome: 'done' });
      const many = Array.from({ length: entries - 1 }, (_, n) => ({ name: `n${n}`, version: n + 1, fields: { f: '1' } }));
      const full = await known(kind, many);
      const add = (name: string) => log.putRecord({ ...full, name, patch: { f: '1' } });
      expect(await add('last')).toMatchObject({ outcome: 'done' });
      expect(await add('over')).toEqual({ outcome: 'full', what: 'entries' });
      expect(await log.putRecord({ ...full, name: 'last', patch: { f: null } })).toMatchObject({ outcome: 'done' });
      expect(await add('over')).toMatchObject({ outcome: 'done' });
    });
  });

  test('S-17 of who is erased nothing is left', async () => {
    const { log } = current();
    const of = await known();
    await log.putRecord({ ...of, name: 'c1', patch: { pinned: '1' } });
    await log.forgetRecords(of.userId);
    expect(await log.readRecords(of)).toEqual({ outcome: 'absent' });
    await log.forgetRecords(of.userId);
  });

  test('a person’s open pages hear of it, on every node, and nobody else’s', async () => {
    const { log, other } = current();
    const [ann, bob] = [await known(), await known()];
    const heard: { ann: object[]; bob: object[] } = { ann: [], bob: [] };
    const listen = (whose: 'ann' | 'bob') => ({
      message: (bytes: Buffer) => void heard[whose].push(JSON.parse(bytes.toString()) as object),
      resubscribed: () => {},
    });
    const following = [await other.followPerson(ann.userId, listen('ann')), await other.followPerson(bob.userId, listen('bob'))];
    await log.putRecord({ ...ann, name: 'c1', patch: { pinned: '1' } });
    await log.putRecord({ ...ann, name: 'c1', patch: { pinned: '1' } });
    await log.publishPerson(ann.userId, '{"type":"list","change":"kept","name":"c2"}');
    await waitFor(() => heard.ann.length === 2);
    expect(heard.ann.map((hint) => (hint as { change: string }).change)).toEqual(['place', 'kept']);
    expect(heard.bob).toEqual([]);
    for (const each of following) await each.close();
  });

  test('a command of another shape is refused', async () => {
    const { log } = current();
    const of = somebody();
    const refused = { code: 'bad-frame' };
    await expect(log.putRecord({ ...of, name: '', patch: {} })).rejects.toMatchObject(refused);
    await expect(log.putRecord({ ...of, kind: 'x' as 'place', name: 'n', patch: {} })).rejects.toMatchObject(refused);
    await expect(log.putRecord({ ...of, name: 'n', patch: { f: 1 as unknown as string } })).rejects.toMatchObject(refused);
    await expect(log.readRecords({ ...of, names: 'n' as unknown as string[] })).rejects.toMatchObject(refused);
    await expect(log.mergeRecords({ ...of, records: [{ name: 'n', version: -1, fields: null }] })).rejects.toMatchObject(refused);
    await expect(log.publishPerson(of.userId, 'no json')).rejects.toMatchObject(refused);
  });
};
