/** A list or a table that still grows: what is settled is rendered once, whatever comes after it. */
export interface Grown {
  source: string;
  kind: 'list' | 'table';
  /** What stands before each piece so that it can be rendered alone: the head of a table. */
  head: string;
  /** So many characters of the source are settled. */
  settled: number;
  /** Settled by this step, as Markdown; '' for nothing. */
  fresh: string;
  /** Not settled: the last item or row. */
  tail: string;
  /** Items have paragraphs, since a blank line stands somewhere between them. */
  loose: boolean;
  /** Nothing of what stood before holds any more. */
  anew: boolean;
}

const ITEM = /^([-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
/** What may still become an item. */
const ITEM_BEGUN = /^(?:[-*+]|\d{1,9}[.)]?)$/;
const TABLE = /^(?:[ \t]*\n)*( {0,3}\|[^\n]*\n {0,3}\|[ \t:|-]*-[ \t:|-]*(?:\n|$))/;
const BLANK_BETWEEN = /\n[ \t]*\n[ \t]*\S/;
const FENCE = /^[ \t]*(?:`{3}|~{3})/m;

/** `*`, `.`: items of one list have one kind of mark. */
const kindOf = (line: string): string | undefined => ITEM.exec(line)?.[1]?.at(-1);

/** Whether it may be one: a cheap look at its beginning. */
export const mayGrow = (source: string): boolean => ITEM.test(source.trimStart()) || TABLE.test(source);

interface Line {
  at: number;
  text: string;
  whole: boolean;
}
const linesFrom = function* (source: string, from: number): Generator<Line> {
  for (let at = from; at < source.length;) {
    const end = source.indexOf('\n', at);
    yield { at, text: source.slice(at, end < 0 ? source.length : end), whole: end >= 0 };
    at = end < 0 ? source.length : end + 1;
  }
};

const growTable = (before: Grown | null, source: string, head: string): Grown | null => {
  const start = source.indexOf(head) + head.length;
  const from = before?.settled ?? start;
  let last = from;
  for (const { at, text } of linesFrom(source, from)) {
    if (!/^ {0,3}\|/.test(text)) return null;
    last = at;
  }
  return {
    source,
    kind: 'table',
    head,
    settled: last,
    fresh: source.slice(from, last),
    tail: source.slice(last),
    loose: false,
    anew: !before,
  };
};

const growList = (before: Grown | null, source: string): Grown | null => {
  const begin = source.length - source.trimStart().length;
  const mark = kindOf(source.slice(begin));
  const from = before?.settled ?? begin;
  let last = from;
  let end = source.length;
  for (const { at, text, whole } of linesFrom(source, from)) {
    if (kindOf(text) === mark) last = at;
    else if (!whole && ITEM_BEGUN.test(text)) end = at;
    else if (text.trim() !== '' && !/^[ \t]{2}/.test(text)) return null;
  }
  // A fence may hold lines that look like items.
  if (FENCE.test(source.slice(from))) return null;
  const loose = before?.loose === true || BLANK_BETWEEN.test(source.slice(Math.max(0, from - 2), end));
  if (before && loose !== before.loose) return growList(null, source);
  return {
    source,
    kind: 'list',
    head: '',
    settled: last,
    fresh: source.slice(from, last),
    tail: source.slice(last, end),
    loose,
    anew: !before,
  };
};

/**
 * The next state of a growing list of plain items, or of a table whose rows begin with `|`. All but the last item is settled: the cost of one
 * more word is that of the item it stands in. Null: something else, which is rendered whole. The end of the block is rendered whole as well, so
 * whatever was guessed on the way (an inner list that makes its outer one loose) is right in the end.
 */
export const growParts = (previous: Grown | null, source: string): Grown | null => {
  const before = previous && source.startsWith(previous.source) ? previous : null;
  const head = TABLE.exec(source)?.[1];
  const kind = head === undefined ? 'list' : 'table';
  const same = before?.kind === kind && (head === undefined || before.head === head) ? before : null;
  if (head !== undefined) return head.endsWith('\n') ? growTable(same, source, head) : null;
  return ITEM.test(source.trimStart()) ? growList(same, source) : null;
};

/** A piece as Markdown that is rendered alone. `loose`: one item more, which makes it so, and is left out afterwards. */
export const pieceOf = ({ head, loose, source }: Grown, text: string): string =>
  loose ? `${head}${text.trimEnd()}\n\n${ITEM.exec(source.trimStart())![1]} x\n` : head + text;
