/**
 * A text as search compares it: lower case, without diacritics, so that `tieng viet` finds `Tiếng Việt` and the other way round.
 * đ and Đ are letters of their own for Unicode and have no mark that could be taken off. Both databases get their words from here,
 * so that both find the same; PostgreSQL's `unaccent` would need an extension, and SQLite's tokenizer leaves đ as it is.
 */
export const foldText = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase()
    .replaceAll('\0', ' ');

const wordsIn = (folded: string): string[] => folded.match(/[\p{L}\p{N}]+/gu) ?? [];

/** The words of a query: letters and digits only, so that nothing in it is an operator of a search language. At most 16. */
export const wordsOf = (query: string): string[] => wordsIn(foldText(query)).slice(0, 16);

/** A longer word is found by its beginning; a lexeme of PostgreSQL ends at 2 KiB. */
const MOST_OF_A_WORD = 255;
/** A `tsvector` holds at most 1 MiB; the words of the first 200,000 characters fit. */
const MOST_SEARCHED = 200_000;

const lexeme = (word: string): string => `'${word.slice(0, MOST_OF_A_WORD).replace(/['\\]/g, '$&$&')}'`;

/** Whose a message is, as a word that no text holds. With it the index gives one user's messages, and none that are dropped afterwards. */
const ownerLexeme = (userId: string): string => lexeme(`=${userId}`);

/** A message as PostgreSQL searches it: a `tsvector` of its words, without their places, made here because its parser costs more. */
export const searchVector = (userId: string, text: string): string => {
  const words = new Set(wordsIn(foldText(text).slice(0, MOST_SEARCHED)));
  return [ownerLexeme(userId), ...Array.from(words, (word) => word.slice(0, MOST_OF_A_WORD))].join(' ');
};

/** The `tsquery` that finds a user's messages with all of these words, the last one as a beginning. */
export const searchQuery = (userId: string, words: readonly string[]): string =>
  `${[ownerLexeme(userId), ...words.map(lexeme)].join(' & ')}:*`;
