import { foldText } from '../store/search-words.ts';

/** Characters of a text that a search answers with; a shorter one is whole. */
export const EXCERPT_CHARS = 1_000;
/** Characters of a text that are read to find the place; an answer may have millions. */
export const LOOKED_AT_CHARS = 20_000;
const BEFORE_CHARS = 200;

/**
 * What is shown of a found text: around the first word that matches, as far as the beginning that was read reaches; else its beginning.
 * Folding takes marks off, so the place is exact for composed text and near enough for the rest. Pure.
 *
 * @param words folded, as `wordsOf` gives them
 */
export const excerptOf = (text: string, words: readonly string[]): string => {
  if (text.length <= EXCERPT_CHARS) return text;
  const composed = text.normalize('NFC');
  const folded = foldText(composed);
  const places = words.map((word) => folded.indexOf(word)).filter((place) => place >= 0);
  const first = places.length === 0 ? 0 : Math.min(...places);
  const from = first <= EXCERPT_CHARS - BEFORE_CHARS ? 0 : first - BEFORE_CHARS;
  // A cut inside a pair of surrogates would leave half a character.
  return `${from > 0 ? '…' : ''}${composed.slice(from, from + EXCERPT_CHARS)}…`
    .replace(/^…[\uDC00-\uDFFF]/, '…')
    .replace(/[\uD800-\uDBFF]…$/, '…');
};
