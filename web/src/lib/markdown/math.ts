import type { default as createParser } from 'markdown-it';

const ENDS: Readonly<Record<string, string>> = { '\\(': '\\)', '\\[': '\\]', $$: '$$' };

/** `$x$` as well, where it cannot be money: nothing but a formula has both marks close to it, and no digit after. */
const SINGLE = /^\$(?![\s$])((?:\\.|[^\\$\n]){1,400}?)(?<!\s)\$(?![\d$])/;

/** A formula without its marks. */
export const formulaOf = (source: string): { tex: string; display: boolean } => {
  const marks = source.startsWith('$') && !source.startsWith('$$') ? 1 : 2;
  return { tex: source.slice(marks, -marks).trim(), display: source.startsWith('\\[') || source.startsWith('$$') };
};

/** Longer ones are no formulas; and what begins ten thousand and ends none costs little. */
const MOST_CHARACTERS = 4_000;
const MOST_LINES = 100;

/**
 * Formulas stand as the model wrote them, `\\( … \\)`, `\\[ … \\]`, `$$ … $$` and `$ … $`: to Markdown their backslashes are escapes, and what one would
 * read were another formula. Nothing in them is emphasis, a link or a list.
 */
export const keepMath = (md: ReturnType<typeof createParser>): void => {
  md.inline.ruler.before('escape', 'math', (state, silent) => {
    const end = ENDS[state.src.slice(state.pos, state.pos + 2)];
    const single = end === undefined && state.src[state.pos] === '$' && !/\w/.test(state.src[state.pos - 1] ?? '');
    const short = single ? SINGLE.exec(state.src.slice(state.pos, state.pos + 404)) : null;
    if (short) {
      if (!silent) state.push('math', 'span', 0).content = short[0];
      state.pos += short[0].length;
      return true;
    }
    const inside = state.pos + 2;
    const close = end === undefined ? -1 : inside + state.src.slice(inside, inside + MOST_CHARACTERS).indexOf(end);
    if (close < inside || close + 2 > state.posMax) return false;
    if (!silent) state.push('math', 'span', 0).content = state.src.slice(state.pos, close + 2);
    state.pos = close + 2;
    return true;
  });
  md.block.ruler.before(
    'fence',
    'math_block',
    (state, first, last, silent) => {
      const lineAt = (line: number): string => state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]);
      const begin = lineAt(first);
      const end = ENDS[begin.slice(0, 2)];
      if (end === undefined || end === '\\)' || state.sCount[first]! - state.blkIndent >= 4 || begin.indexOf(end, 2) >= 0) return false;
      let line = first + 1;
      const far = Math.min(last, first + MOST_LINES);
      while (line < far && !lineAt(line).includes(end)) line++;
      // A formula without an end is text until it has one.
      if (line >= far || !lineAt(line).trimEnd().endsWith(end)) return false;
      if (silent) return true;
      const token = state.push('math', 'div', 0);
      token.block = true;
      token.content = state.getLines(first, line + 1, state.blkIndent, false).trim();
      token.map = [first, line + 1];
      state.line = line + 1;
      return true;
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  );
  md.renderer.rules['math'] = (tokens, i) => {
    const { tag, content } = tokens[i]!;
    return `<${tag} class="math">${md.utils.escapeHtml(content)}</${tag}>`;
  };
};
