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

/** The words of a query: letters and digits only, so that nothing in it is an operator of a search language. At most 16. */
export const wordsOf = (query: string): string[] =>
  foldText(query)
    .match(/[\p{L}\p{N}]+/gu)
    ?.slice(0, 16) ?? [];
