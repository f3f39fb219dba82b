import { hitsOf } from '../../lib/conversation/snippet.ts';

const NAME = 'found';
/** So many marks are enough to see, and a word of a long answer may stand in it thousands of times. */
const MOST = 500;

/** Marks the words in what is drawn, without changing it; the first of them. Null: none, or the browser cannot mark. */
export const markWords = (part: Element, words: string): Range | null => {
  unmarkWords();
  if (words === '' || !('highlights' in CSS)) return null;
  const ranges: Range[] = [];
  const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node && ranges.length < MOST; node = texts.nextNode()) {
    if (node.parentElement?.closest('.visually-hidden, .actions')) continue;
    for (const [start, end] of hitsOf(node.textContent ?? '', words)) {
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, end);
      ranges.push(range);
    }
  }
  if (ranges.length === 0) return null;
  CSS.highlights.set(NAME, new Highlight(...ranges));
  return ranges[0]!;
};

export const unmarkWords = (): void => {
  if ('highlights' in CSS) CSS.highlights.delete(NAME);
};
