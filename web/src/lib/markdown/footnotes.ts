import type { default as createParser } from 'markdown-it';

/** Numbers only: `[^a-z]` is what somebody writes about regular expressions. */
const REFERENCE = /^\[\^(\d{1,3})\](?!:)/;
const NOTE = /^\[\^(\d{1,3})\]:[ \t]+(?=\S)/;

/**
 * Footnotes, `[^1]` in the text and `[^1]: what it says` on a line of its own. Each stands where the model wrote it, since blocks are rendered
 * one by one; a click leads from one to the other (`data-note`).
 */
export const keepFootnotes = (md: ReturnType<typeof createParser>, labels: { note: string; back: string }): void => {
  const { escapeHtml } = md.utils;
  md.inline.ruler.before('link', 'footnote', (state, silent) => {
    const found = REFERENCE.exec(state.src.slice(state.pos, state.pos + 8));
    if (!found) return false;
    if (!silent) state.push('footnote', 'sup', 0).content = found[1]!;
    state.pos += found[0].length;
    return true;
  });
  md.block.ruler.before(
    'reference',
    'footnote_text',
    (state, first, last, silent) => {
      const lineAt = (line: number): string => state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]);
      const found = state.sCount[first]! - state.blkIndent >= 4 ? null : NOTE.exec(lineAt(first));
      if (!found) return false;
      if (silent) return true;
      let line = first + 1;
      while (line < last && !state.isEmpty(line) && !NOTE.test(lineAt(line))) line++;
      const token = state.push('footnote_open', 'div', 1);
      token.content = found[1]!;
      token.map = [first, line];
      const inline = state.push('inline', '', 0);
      inline.content = state.getLines(first, line, state.blkIndent, false).trim().slice(found[0].length);
      inline.map = [first, line];
      inline.children = [];
      state.push('footnote_close', 'div', -1);
      state.line = line;
      return true;
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  );
  const button = (number: string, kind: string, label: string): string =>
    `<button type="button" class="note-mark" ${kind}="${number}" aria-label="${escapeHtml(`${label} ${number}`)}">${number}</button>`;
  md.renderer.rules['footnote'] = (tokens, i) => `<sup>${button(tokens[i]!.content, 'data-note', labels.note)}</sup>`;
  md.renderer.rules['footnote_open'] = (tokens, i) => `<div class="note">${button(tokens[i]!.content, 'data-note-text', labels.back)} `;
  md.renderer.rules['footnote_close'] = () => '</div>\n';
};
