import { storedName } from '../../lib/session/base.ts';

/** Where a reader is in a conversation: this message, so far (px) below the upper edge. Nothing is kept of who is at the end. */
export interface ReadingPlace {
  messageId: string;
  offset: number;
}

const PREFIX = storedName('runnel:place:');
const MOST = 100;

const store = (): Storage | null => {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
};

export const readPlace = (conversationId: string): ReadingPlace | null => {
  try {
    const place = JSON.parse(store()?.getItem(PREFIX + conversationId) ?? 'null') as Partial<ReadingPlace> | null;
    if (typeof place?.messageId !== 'string' || !Number.isFinite(place.offset)) return null;
    return { messageId: place.messageId, offset: place.offset! };
  } catch {
    return null;
  }
};

export const keepPlace = (conversationId: string, place: ReadingPlace | null): void => {
  const kept = store();
  if (!kept) return;
  try {
    if (place === null) return kept.removeItem(PREFIX + conversationId);
    const places = Object.keys(kept).filter((key) => key.startsWith(PREFIX));
    if (places.length >= MOST) kept.removeItem(places[0]!);
    kept.setItem(PREFIX + conversationId, JSON.stringify(place));
  } catch {
    // Full: the reader begins at the end.
  }
};

/** The message at the upper edge of the window, and where it is. */
export const placeIn = (scroller: HTMLElement): ReadingPlace | null => {
  const edge = scroller.getBoundingClientRect().top;
  for (const article of scroller.querySelectorAll<HTMLElement>('article[data-message]')) {
    const { top, bottom } = article.getBoundingClientRect();
    if (bottom > edge + 1) return { messageId: article.dataset['message']!, offset: Math.round(top - edge) };
  }
  return null;
};
