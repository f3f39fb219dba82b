/** Something that can be done or gone to, by its name. */
export interface Choice {
  id: string;
  kind: 'command' | 'model' | 'conversation';
  title: string;
  keys?: string;
}

/** Without case and diacritics, as people type in a hurry. */
export const fold = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase();

/** So many are shown: who sees more does not read them. */
const MOST = 30;

/** Choices that hold every word of the query, those whose title begins with it first; the order stands else. Without case and diacritics. */
export const choicesFor = <T extends Choice>(choices: readonly T[], query: string): T[] => {
  const words = fold(query).split(/\s+/).filter(Boolean);
  const held = choices.filter(({ title }) => words.every((word) => fold(title).includes(word)));
  const rank = ({ title }: T): number => (words.length > 0 && fold(title).startsWith(words[0]!) ? 0 : 1);
  return held.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST);
};
