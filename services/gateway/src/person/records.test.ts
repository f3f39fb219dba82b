import { createMemoryRunLog } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import type { ConversationPage, ConversationSummary } from '@runnel/protocol/http';
import { listPlaced, type ListQuery } from './placed-list.ts';
import { foldersIn, placePatch } from './places.ts';
import { createRecords } from './records.ts';

const USER = 'ann';

describe('records', () => {
  const open = (status = 200, body: unknown = { records: [] }) => {
    const store = createMemoryRunLog();
    const asked: string[] = [];
    const outcomes: string[] = [];
    const audit = {
      call: async (path: string) => {
        asked.push(path);
        return { status, body };
      },
    };
    return { store, asked, outcomes, records: createRecords({ store, audit, onOutcome: (_kind, outcome) => outcomes.push(outcome) }) };
  };

  test('the database is asked once, however many ask at a time, and its records come back', async () => {
    const { records, asked } = open(200, { records: [{ name: 'c1', version: 7, fields: { pinned: '1' } }] });
    const all = await Promise.all(Array.from({ length: 5 }, () => records.read(USER, 'place')));
    expect(new Set(all.map((found) => JSON.stringify(found)))).toEqual(new Set(['[{"name":"c1","version":7,"fields":{"pinned":"1"}}]']));
    await records.put(USER, 'place', 'c2', { pinned: '1' });
    expect(asked).toEqual(['/records?kind=place']);
  });

  test.each([
    [503, null],
    [404, null],
    [200, { records: 'what?' }],
  ])('P-10 while the database cannot tell (%s) nothing is written over what it may have', async (status, body) => {
    const { records, outcomes, store } = open(status, body);
    await expect(records.read(USER, 'place')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(records.put(USER, 'place', 'c1', { pinned: '1' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(outcomes).toEqual(['unavailable', 'unavailable']);
    expect(store.outbox.read(9)).toEqual([]);
  });

  test('without an audit service the store alone keeps them', async () => {
    const records = createRecords({ store: createMemoryRunLog(), audit: null });
    await records.put(USER, 'prompt', 'p', { text: 'x' }, { whole: true });
    expect(await records.all(USER)).toMatchObject({ place: [], feedback: [], setting: [], prompt: [{ name: 'p', fields: { text: 'x' } }] });
  });

  test('where there is no room the caller is told so, where the outbox has none to come again', async () => {
    const { records } = open();
    await expect(records.put(USER, 'setting', 'settings', { a: 'x'.repeat(3_000), b: 'x'.repeat(3_000) })).rejects.toMatchObject({
      code: 'quota',
    });
    const full = createRecords({ store: createMemoryRunLog({ outboxCap: 0 }), audit: null });
    await expect(full.put(USER, 'place', 'c1', { pinned: '1' })).rejects.toMatchObject({ code: 'overloaded' });
  });
});

describe('places', () => {
  test.each([
    [{ archived: true }, { archived: '1', pinned: null }],
    [{ pinned: true }, { pinned: '1', archived: null }],
    [
      { pinned: true, archived: true },
      { pinned: null, archived: '1' },
    ],
    [{ pinned: false }, { pinned: null }],
    [{ folder: '  Việc \n nhà ' }, { folder: 'Việc nhà' }],
    [{ folder: ' ' }, { folder: null }],
    [{ folder: null }, { folder: null }],
  ])('%j', (change, patch) => expect(placePatch(change)).toEqual(patch));

  test('a name that is too long is refused', () => {
    expect(() => placePatch({ folder: 'x'.repeat(61) })).toThrow(RunnelError);
  });

  test('folders are the names that conversations in the list have, each with how many', () => {
    const of = (...fields: Record<string, string>[]) => foldersIn(fields.map((one) => ({ fields: one })));
    expect(of()).toEqual([]);
    expect(of({ folder: 'B' }, { folder: 'A', pinned: '1' }, { pinned: '1' }, { folder: 'B' }, { folder: '' })).toEqual([
      { name: 'A', count: 1 },
      { name: 'B', count: 2 },
    ]);
    expect(of({ folder: 'A', archived: '1' })).toEqual([]);
  });

  const COUNT = 450;
  /** c450 is the newest. */
  const all: ConversationSummary[] = Array.from({ length: COUNT }, (_, n) => ({
    conversationId: `c${COUNT - n}`,
    title: '',
    updatedAt: COUNT - n,
  }));
  const source = (places: Record<string, Record<string, string>>, fails = false) => ({
    page: async ({ after, limit }: { after?: string; limit: number }): Promise<ConversationPage> => {
      const first = after === undefined ? 0 : all.findIndex((one) => one.conversationId === after) + 1;
      return { conversations: all.slice(first, first + limit), hasMore: all.length > first + limit };
    },
    among: async (_userId: string, ids: readonly string[]) => all.filter((one) => ids.includes(one.conversationId)),
    records: {
      read: async () => {
        if (fails) throw new RunnelError('unavailable');
        return Object.entries(places).map(([name, fields]) => ({ name, version: 1, fields }));
      },
    },
  });
  const allPages = async (of: ReturnType<typeof source>, query: Partial<ListQuery>): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await listPlaced(of, { userId: USER, limit: 50, ...query, ...(after !== undefined && { after }) });
      ids.push(...page.conversations.map((one) => one.conversationId));
      const last = page.conversations.at(-1)?.conversationId;
      if (!page.hasMore) return ids;
      expect(last).not.toBe(after);
      after = last;
    }
  };
  const archivedOnes = Object.fromEntries(all.slice(20, 320).map(({ conversationId }) => [conversationId, { archived: '1' }]));
  const marked = {
    ...archivedOnes,
    c1: { pinned: '1' },
    c450: { pinned: '1', folder: 'A' },
    c2: { folder: 'A' },
    c430: { archived: '1', folder: 'A' },
  };

  test('every conversation is on one page of one view, in order: the list without the archive, the archive, a folder', async () => {
    const ids = all.map((one) => one.conversationId);
    const isArchived = (id: string): boolean => 'archived' in ((marked as Record<string, object>)[id] ?? {});
    expect(await allPages(source(marked), {})).toEqual(ids.filter((id) => !isArchived(id)));
    expect(await allPages(source(marked), { archived: true })).toEqual(ids.filter(isArchived));
    expect(await allPages(source(marked), { folder: 'A' })).toEqual(['c450', 'c2']);
    expect(await allPages(source(marked), { folder: 'A', archived: true })).toEqual(['c430']);
  });

  test('what is pinned comes first and once', async () => {
    const ids = await allPages(source(marked), { pinnedFirst: true });
    expect(ids.slice(0, 3)).toEqual(['c450', 'c1', 'c449']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual((await allPages(source(marked), {})).toSorted());
    const { conversations } = await listPlaced(source(marked), { userId: USER, limit: 2, pinnedFirst: true });
    expect(conversations[0]).toMatchObject({ pinned: true, folder: 'A' });
  });

  test('P-10 while places cannot be read the list is shown without them, and a view of them says so', async () => {
    expect(await allPages(source(marked, true), { pinnedFirst: true })).toHaveLength(COUNT);
    await expect(listPlaced(source(marked, true), { userId: USER, limit: 5, archived: true })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});
