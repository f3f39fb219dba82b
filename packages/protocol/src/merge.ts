import type { ChunkEvent, PartChunkEvent } from './events.ts';

/** What merging needs to know of an event: the offsets it covers. `from` absent means `offset`. */
export interface Covered {
  from?: number;
  offset: number;
}

export type Merged<T> =
  | { kind: 'contiguous'; events: T[]; offset: number }
  /** An event is missing between `after` and the next one held: read the log again. */
  | { kind: 'gap'; after: number };

/** W-8: how an event relates to what a reader has applied. */
export const relate = (applied: number, event: Covered): 'next' | 'old' | 'gap' => {
  if (event.offset <= applied) return 'old';
  return (event.from ?? event.offset) === applied + 1 ? 'next' : 'gap';
};

/**
 * Joins what was read from the log with what arrived live meanwhile (W-7: subscribe first, then read).
 * Live messages are only a hint: those already read are dropped, a hole is reported and never skipped.
 *
 * @param applied offset up to which the reader has everything (from a snapshot or a tail)
 * @param live events in order of arrival
 */
export const mergeLive = <T extends Covered>(applied: number, live: readonly T[]): Merged<T> => {
  const events: T[] = [];
  let offset = applied;
  for (const event of live) {
    const relation = relate(offset, event);
    if (relation === 'old') continue;
    if (relation === 'gap') return { kind: 'gap', after: offset };
    events.push(event);
    offset = event.offset;
  }
  return { kind: 'contiguous', events, offset };
};

/** What a slow reader gets merged: text of an answer, or of one field of one part (W-16). */
export type Joinable = ChunkEvent | PartChunkEvent;

const isSameText = (first: Joinable, next: Joinable): boolean => {
  if (first.runId !== next.runId || first.conversationId !== next.conversationId) return false;
  if (first.type === 'chunk') return next.type === 'chunk';
  return next.type === 'part-chunk' && first.partId === next.partId && first.field === next.field;
};

/** W-14: two chunks that follow each other become one; null when they do not fit together. Texts are not copied twice. */
export const joinChunks = <C extends Joinable>(first: C, next: Joinable, firstBytes: number): C | null => {
  if (!isSameText(first, next)) return null;
  if ((next.from ?? next.offset) !== first.offset + 1 || next.at !== first.at + firstBytes) return null;
  return {
    ...first,
    from: first.from ?? first.offset,
    offset: next.offset,
    text: first.text + next.text,
  };
};
