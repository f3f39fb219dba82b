/** A stretch of a text; `hit`: one of the words that were looked for. */
export interface Part {
  text: string;
  hit: boolean;
}

/** Without case and diacritics, as the database compares; a combining mark alone becomes nothing. */
const foldCharacter = (character: string): string =>
  character
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase();

const fold = (text: string): string => [...text].map(foldCharacter).join('');

/** Marks of Markdown only disturb in a line of text. */
const plain = (text: string): string =>
  text
    .replace(/```\w*|[*_`#>|~]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const wordsOf = (query: string): string[] => fold(query).match(/[\p{L}\p{N}]+/gu) ?? [];

/** Where the words stand: whole ones, and for the last of the query also its beginning. */
export const hitsOf = (text: string, query: string): [start: number, end: number][] => {
  const words = wordsOf(query);
  const last = words.at(-1);
  if (last === undefined) return [];
  let folded = '';
  // For each character of the folded text where its original begins, and at the end where the text ends.
  const origin: number[] = [];
  let at = 0;
  for (const character of text) {
    const out = foldCharacter(character);
    folded += out;
    for (let i = 0; i < out.length; i++) origin.push(at);
    at += character.length;
  }
  origin.push(at);
  return [...folded.matchAll(/[\p{L}\p{N}]+/gu)].flatMap(({ 0: word, index }): [number, number][] => {
    if (words.includes(word)) return [[origin[index]!, origin[index + word.length]!]];
    return word.startsWith(last) ? [[origin[index]!, origin[index + last.length]!]] : [];
  });
};

const BEFORE = 36;

/**
 * The part of a message around the first word that was found, with all found words marked.
 *
 * @param most characters of the snippet
 */
export const snippetOf = (message: string, query: string, most = 140): Part[] => {
  const text = plain(message);
  const hits = hitsOf(text, query);
  const first = hits[0]?.[0] ?? 0;
  // From the beginning of a word, so that none is cut in front.
  const from = first <= BEFORE ? 0 : text.indexOf(' ', first - BEFORE) + 1;
  const to = Math.min(text.length, from + most);
  const parts: Part[] = [];
  const add = (piece: string, { hit = false } = {}): void => void (piece && parts.push({ text: piece, hit }));
  let at = from;
  add(from > 0 ? '…' : '');
  for (const [start, end] of hits) {
    if (start < at || end > to) continue;
    add(text.slice(at, start));
    add(text.slice(start, end), { hit: true });
    at = end;
  }
  add(to < text.length ? `${text.slice(at, to).trimEnd()}…` : text.slice(at, to));
  return parts;
};
