/** What the list says beside a title: an answer is being written there, waits for a decision, or has come since the reader last looked. */
export type ListMark = 'answering' | 'waiting' | 'new';

/** What was known of the list before: when each changed last, as the server said; null: changed by this person's own doing since. */
export type Seen = ReadonlyMap<string, number | null>;

type Item = { conversationId: string; updatedAt: number };

/**
 * Which conversations of a list that was read again changed by other hands than this page's, on another device perhaps.
 *
 * @param current is open: it is being looked at
 */
export const changedElsewhere = (seen: Seen, page: readonly Item[], current: string | null): string[] =>
  page
    .filter(({ conversationId, updatedAt }) => {
      const before = seen.get(conversationId);
      return conversationId !== current && before !== null && (before === undefined || updatedAt > before);
    })
    .map(({ conversationId }) => conversationId);

export const seenAfter = (seen: Seen, page: readonly Item[]): Seen =>
  new Map([...seen, ...page.map(({ conversationId, updatedAt }): [string, number] => [conversationId, updatedAt])]);

/**
 * Which conversations the server had and has not any more: somebody deleted them on another device. What only this page knows of yet, and
 * what may stand on a later page of the list, is not among them.
 */
export const missingNow = (seen: Seen, page: readonly Item[], hasMore: boolean): string[] => {
  const there = new Set(page.map(({ conversationId }) => conversationId));
  const oldest = hasMore ? (page.at(-1)?.updatedAt ?? Infinity) : -Infinity;
  return [...seen].filter(([id, at]) => at !== null && at > oldest && !there.has(id)).map(([id]) => id);
};
