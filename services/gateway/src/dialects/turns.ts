import { createHash } from 'node:crypto';
import type { SeedMessage } from '@runnel/coordination';
import { isId, newId, RunnelError, type Role } from '@runnel/protocol';

/** A message as a client of another protocol brings it. */
export interface Turn {
  /** The client's, in whatever alphabet. */
  id: string | undefined;
  role: Role;
  text: string;
}

/** What a new conversation begins with: the newest that the store takes at once. */
const MAX_TURNS = 150;
const MAX_CHARS = 400_000;

/** An id of the client's that is one of ours (`fresh` without one). Throws `bad-frame`: none is made up for one outside the alphabet. */
export const idOf = (value: string | null | undefined, field: string, fresh: () => string = newId): string => {
  if (value === undefined || value === null) return fresh();
  if (!isId(value)) throw new RunnelError('bad-frame', `${field}: not an id: 1–64 of A–Z a–z 0–9 _ -.`);
  return value;
};

/**
 * The turns before the last one as the beginning of a conversation that is new: the newest 150, and of 400,000 characters. Clients bring all of
 * a conversation each time, so what is too much is no mistake of theirs. Pure but for ids of turns that have none.
 */
export const seedOf = (turns: readonly Turn[]): SeedMessage[] => {
  const seed: SeedMessage[] = [];
  const seen = new Set<string>();
  let room = MAX_CHARS;
  for (const { id, role, text } of turns.toReversed()) {
    if (text.trim() === '') continue;
    room -= text.length;
    if (seed.length === MAX_TURNS || room < 0) break;
    const messageId = isId(id) && !seen.has(id) ? id : newId();
    seen.add(messageId);
    seed.push({ messageId, role, text: text.toWellFormed() });
  }
  return seed.reverse();
};

/** A known message with another text is an edit: a message of its own, the same one for the same edit. */
export const editedId = (messageId: string, text: string): string =>
  createHash('sha256')
    .update(JSON.stringify([messageId, text]))
    .digest('hex')
    .slice(0, 32);
