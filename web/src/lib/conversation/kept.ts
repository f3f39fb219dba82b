import type { ConversationSummary } from '@runnel/client';
import type { ConversationState } from '@runnel/protocol';

/** So many conversations are kept on a device, the last ones that were open. */
export const MOST_KEPT = 20;
/** Messages kept of each: what is older comes with the connection. */
const MOST_MESSAGES = 100;
/** Characters kept of each, roughly; fewer messages where they are long. */
const MOST_CHARS = 2_000_000;

const charsOf = (value: unknown): number => JSON.stringify(value).length;

/** The end of a conversation, as a snapshot would have it; null: nothing is worth keeping, or its newest message alone is too large. */
export const keepable = (state: ConversationState): ConversationState | null => {
  if (state.logId === null || (state.messages.length === 0 && state.run === null)) return null;
  let room = MOST_CHARS - charsOf(state.run);
  let first = state.messages.length;
  while (first > 0 && state.messages.length - first < MOST_MESSAGES) {
    room -= charsOf(state.messages[first - 1]);
    if (room < 0) break;
    first--;
  }
  if (room < 0 && first === state.messages.length) return null;
  return { ...state, messages: state.messages.slice(first), hasMore: state.hasMore || first > 0 };
};

/** When each was kept (ms), by conversation. */
export type KeptIndex = Readonly<Record<string, number>>;

/**
 * Those that are not kept any longer: they were deleted, here or on another device, or newer ones need their room. An old one that is read
 * again stays while it is open, since the list that was read may end before it.
 *
 * @param listed the newest conversations of this person; null: not known now
 */
export const expired = (index: KeptIndex, listed: readonly ConversationSummary[] | null, current: string | null): string[] => {
  const there = listed && new Set(listed.map(({ conversationId }) => conversationId));
  const newestFirst = Object.keys(index).toSorted((a, b) => index[b]! - index[a]!);
  const wanted = newestFirst.filter((id) => there === null || id === current || there.has(id)).slice(0, MOST_KEPT);
  return newestFirst.filter((id) => !wanted.includes(id));
};
