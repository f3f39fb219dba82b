import type { ConversationReader, ConversationSummary } from '@runnel/coordination';
import type { AuditHistory } from './audit-history.ts';
import { expect, test } from 'vitest';
import { everyConversation, listConversations } from './history-source.ts';

const ALL = Array.from({ length: 10_450 }, (_, i) => ({ conversationId: `c${i}`, title: '', updatedAt: 20_000 - i }));
const runLog = {
  listConversations: async ({ after, limit }: { after?: string; limit: number }) => {
    const from = after === undefined ? 0 : ALL.findIndex(({ conversationId }) => conversationId === after) + 1;
    return { conversations: ALL.slice(from, from + limit), hasMore: from + limit < ALL.length };
  },
} as unknown as ConversationReader;
const count = async (most?: number): Promise<number> => {
  const seen = new Set<string>();
  for await (const { conversationId } of everyConversation(runLog, null, 'ann', most)) seen.add(conversationId);
  return seen.size;
};

test('everything of a person is all of it, however much they have; who names a bound stops behind it', async () => {
  expect(await count()).toBe(ALL.length);
  expect(await count(1_000)).toBe(1_000);
});

/** A store that pages through these. */
const pagesOf = (all: readonly ConversationSummary[]) => ({
  listConversations: async ({ after, limit }: { after?: string; limit: number }) => {
    const found = after === undefined ? 0 : all.findIndex(({ conversationId }) => conversationId === after) + 1;
    const from = after !== undefined && found === 0 ? all.length : found;
    return { conversations: all.slice(from, from + limit), hasMore: from + limit < all.length };
  },
});
const madeAt = (name: string, count: number, from: number): ConversationSummary[] =>
  Array.from({ length: count }, (_, i) => ({ conversationId: `${name}${i}`, title: '', updatedAt: from - i }));

test.each([39, 40, 41, 80, 200])(
  'a list does not end where the store’s ends: of %i that the store has and 30 older ones, all come',
  async (count) => {
    const here = madeAt('here', count, 10_000);
    const store = pagesOf(here) as unknown as ConversationReader;
    const audit = pagesOf([...here, ...madeAt('older', 30, 5_000)]) as unknown as AuditHistory;
    const seen: string[] = [];
    for (let after: string | undefined, hasMore = true; hasMore;) {
      const page = await listConversations(store, audit, { userId: 'ann', limit: 40, ...(after !== undefined && { after }) });
      seen.push(...page.conversations.map(({ conversationId }) => conversationId));
      ({ hasMore } = page);
      after = seen.at(-1);
    }
    expect(seen).toHaveLength(count + 30);
    expect(new Set(seen).size).toBe(count + 30);
  },
);

test('everything of a person has the conversations of programs too, which the store lists nowhere, however much it lists itself', async () => {
  const here = madeAt('here', 450, 10_000);
  const programs = madeAt('api__', 5, 9_995);
  const all = [...here, ...programs, ...madeAt('older', 10, 5_000)].toSorted((a, b) => b.updatedAt - a.updatedAt);
  const seen: string[] = [];
  const audit = pagesOf(all) as unknown as AuditHistory;
  for await (const { conversationId } of everyConversation(pagesOf(here) as unknown as ConversationReader, audit, 'ann'))
    seen.push(conversationId);
  expect(seen.toSorted()).toEqual(all.map(({ conversationId }) => conversationId).toSorted());
});

test('what one store alone has comes, wherever it stands in that store’s list', async () => {
  const shared = madeAt('both', 300, 10_000);
  // The database has not heard of these: they stand far down in the store's list.
  const unheard = madeAt('unheard', 3, 9_720);
  const programs = madeAt('api__', 150, 9_900);
  const byTime = (all: ConversationSummary[]) => all.toSorted((a, b) => b.updatedAt - a.updatedAt);
  const store = pagesOf(byTime([...shared, ...unheard])) as unknown as ConversationReader;
  const audit = pagesOf(byTime([...shared, ...programs])) as unknown as AuditHistory;
  const seen: string[] = [];
  for await (const { conversationId } of everyConversation(store, audit, 'ann')) seen.push(conversationId);
  expect(seen.toSorted()).toEqual([...shared, ...unheard, ...programs].map(({ conversationId }) => conversationId).toSorted());
});

test('everything of a person is refused while the database is away, also in the middle', async () => {
  const here = madeAt('here', 450, 10_000);
  let asked = 0;
  const audit = {
    listConversations: async (query: { after?: string; limit: number }) => {
      if (++asked > 2) throw new Error('away');
      return pagesOf(here).listConversations(query);
    },
  } as unknown as AuditHistory;
  const all = async () => {
    for await (const _ of everyConversation(pagesOf(here) as unknown as ConversationReader, audit, 'ann'));
  };
  await expect(all()).rejects.toThrow('away');
});
