/** A piece of an answer that can be rendered on its own. `start` is its index in the text and names it for good. */
export interface Block {
  start: number;
  text: string;
}

/** An answer cut into blocks. All but the last are finished: more text never changes them. */
export interface Blocks {
  text: string;
  blocks: readonly Block[];
}

const FENCE = /^([ \t]*)(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)$/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
/** What may still become a list item once the rest of the line has come. */
const LIST_ITEM_BEGUN = /^ {0,3}(?:[-*+]|\d{1,9}[.)]?)$/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const INDENTED = /^(?: {4}|\t)/;

interface Fence {
  mark: string;
  indent: number;
  /** The block is this fence and nothing else, so its closing line ends the block. */
  alone: boolean;
}

/** Columns of white space a line begins with. */
const indentOf = (line: string): number => /^[ \t]*/.exec(line)![0].replaceAll('\t', '    ').length;

const opensFence = (line: string, inList: boolean): { mark: string; indent: number } | null => {
  const match = FENCE.exec(line);
  if (!match || (!inList && indentOf(line) >= 4)) return null;
  const mark = match[2]!;
  // A backtick fence whose info holds a backtick is inline code.
  return mark.startsWith('`') && match[3]!.includes('`')
    ? null
    : { mark, indent: indentOf(line.slice(0, line.indexOf(mark)).replaceAll(/[^\t]/g, ' ')) };
};

const closesFence = (line: string, fence: Fence): boolean => {
  const text = line.trim();
  const deep = indentOf(line) > (fence.alone ? 3 : fence.indent + 3);
  return !deep && text.length >= fence.mark.length && text === fence.mark[0]!.repeat(text.length);
};

/**
 * Cuts text at `offset` and after into blocks. Leaving two blocks together is always right and only slower; so it cuts
 * where CommonMark is sure to begin a new block whatever text comes later: never inside a fence, a list or indented code.
 */
const cut = (text: string, offset: number): Block[] => {
  const starts: number[] = [offset];
  let fence: Fence | null = null;
  let inList = false;
  let empty = true;
  let afterBlank = false;
  /** Set when a list item ended in the middle of its fence: what that means for the lines below is left to the renderer. */
  let unsure = false;

  const begin = (at: number): void => {
    if (unsure) return;
    if (!empty) starts.push(at);
    inList = false;
    empty = true;
  };

  for (let at = offset; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const complete = newline >= 0;
    const end = complete ? newline : text.length;
    const line = text.slice(at, end);
    const next = complete ? newline + 1 : end;

    if (fence) {
      unsure ||= !fence.alone && line.trim() !== '' && indentOf(line) < fence.indent;
      if (complete && closesFence(line, fence)) {
        if (fence.alone) begin(next);
        fence = null;
      }
    } else if (line.trim() === '') {
      afterBlank = true;
      at = next;
      continue;
    } else {
      const item = LIST_ITEM.test(line) || (!complete && LIST_ITEM_BEGUN.test(line));
      const opening = opensFence(line, inList || item);
      const continuesList = inList && (item || /^[ \t]/.test(line));
      const own = !inList && !item;
      if (afterBlank && !continuesList && !INDENTED.test(line)) begin(at);
      else if (own && (HEADING.test(line) || opening)) begin(at);
      inList ||= LIST_ITEM.test(line);
      if (opening) fence = { ...opening, alone: empty && !inList };
      empty = false;
      if (complete && !inList && HEADING.test(line)) begin(next);
    }
    empty = empty && starts.at(-1) === next;
    afterBlank = false;
    at = next;
  }
  if (starts.length > 1 && starts.at(-1) === text.length) starts.pop();
  return starts.map((start, i) => ({ start, text: text.slice(start, starts[i + 1]) }));
};

/**
 * The blocks of a text. When it continues `previous`, finished blocks are kept as they are (the same objects) and only
 * what follows the start of the last one is looked at: the cost of one more word does not grow with the answer.
 */
export const growBlocks = (previous: Blocks | null, text: string): Blocks => {
  const open = previous?.blocks.at(-1);
  if (!previous || !open || !text.startsWith(previous.text)) return { text, blocks: cut(text, 0) };
  if (text.length === previous.text.length) return previous;
  return { text, blocks: [...previous.blocks.slice(0, -1), ...cut(text, open.start)] };
};
