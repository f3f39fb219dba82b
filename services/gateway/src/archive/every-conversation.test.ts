import type { ConversationReader } from '@runnel/coordination';
import { expect, test } from 'vitest';
import { everyConversation } from './history-source.ts';

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
